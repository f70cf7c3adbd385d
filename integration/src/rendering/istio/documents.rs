//! The files of `envoy/istio`, and what about them is the reader's to change.

use graylane_istio::{
    EnvoyFilter, Plugin, Proxy, Resources,
    plugin::Written,
    proxy::Kind,
    yaml::{self, Node},
};
use serde_json::{Value, json};

use super::{Form, Installation, Shape, stock, without_problems};
use crate::artefacts::{self, root};

/// The files that one installation takes.
pub(super) struct Documents<'i> {
    installation: &'i Installation,
    proxy: &'i Proxy,
}

impl<'i> Documents<'i> {
    pub(super) fn of(installation: &'i Installation, proxy: &'i Proxy) -> Self {
        Self { installation, proxy }
    }

    /// Variants and the routes on their header.
    pub(super) fn routes(&self) -> Vec<Node> {
        if self.installation.http_route {
            return self.read("httproute.yaml");
        }
        self.read("routes.yaml")
    }

    /// The EnvoyFilter, where that is how it is installed.
    pub(super) fn filter(&self) -> Option<EnvoyFilter> {
        let installed = matches!(self.installation.form, Form::EnvoyFilter | Form::EnvoyFilterAndBootstrap);
        let file = if self.proxy.kind == Kind::Gateway { "gateway.yaml" } else { "sidecar.yaml" };
        installed.then(|| envoy_filter(&self.text(file)))
    }

    /// What the inbound side of a sidecar needs besides.
    pub(super) fn inbound(&self) -> EnvoyFilter {
        envoy_filter(&self.text("inbound.yaml"))
    }

    /// What strips owned headers at a gateway, with the filter and without.
    pub(super) fn owned_headers(&self) -> Option<EnvoyFilter> {
        (self.proxy.kind == Kind::Gateway).then(|| envoy_filter(&self.text("owned-headers.yaml")))
    }

    /// What takes cookies to clients, for this proxy.
    pub(super) fn cookies(&self) -> EnvoyFilter {
        let mut text = self.text("cookies.yaml");
        if self.proxy.kind == Kind::Sidecar {
            text = text.replace("namespace: istio-ingress", "namespace: shop");
            text = text.replace("{istio: ingressgateway}", "{app: frontend}").replace("GATEWAY}", "SIDECAR_OUTBOUND}");
        }
        envoy_filter(&text)
    }

    /// The plugin, where that is how it is installed, for this proxy; in a sidecar for what comes in as well, if `both_ways`.
    pub(super) fn plugin(&self, both_ways: bool) -> Option<Plugin> {
        let (file, written) = match self.installation.form {
            Form::WasmPlugin | Form::WasmPluginAndBootstrap => ("wasmplugin.yaml", Written::WasmPlugin),
            Form::TrafficExtension => ("trafficextension.yaml", Written::TrafficExtension),
            Form::EnvoyFilter | Form::EnvoyFilterAndBootstrap | Form::Nothing => return None,
        };
        let document = self.read(file).remove(0);
        let mut plugin = without_problems(file, |report| Plugin::read(&document, written, report));
        if self.proxy.kind == Kind::Gateway {
            plugin.namespace.clone_from(&self.proxy.namespace);
            plugin.selector = [("istio".to_owned(), "ingressgateway".to_owned())].into();
            plugin.matches.clear();
        }
        if both_ways {
            plugin.matches.clear();
        }
        Some(plugin)
    }

    /// Gives the connection managers the log that telemetry.yaml chooses from mesh-config.yaml, as istiod makes it.
    pub(super) fn log(&self, resources: &mut Resources) {
        let chosen = self.read("telemetry.yaml").remove(0);
        let chosen = chosen.field("spec").expect("a spec").to_json();
        let name = &chosen["accessLogging"][0]["providers"][0]["name"];
        let mesh = self.read("mesh-config.yaml").remove(0).to_json();
        let providers = mesh["meshConfig"]["extensionProviders"].as_array().expect("providers").clone();
        let provider =
            providers.iter().find(|provider| provider["name"] == *name).expect("the provider that is chosen");
        let file = &provider["envoyFileAccessLog"];
        let log = json!([{
            "name": "envoy.access_loggers.file",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": file["path"],
                "log_format": {"json_format": file["logFormat"]["labels"]},
            },
        }]);
        let mut managers = 0;
        for listener in &mut resources.listeners {
            let mut value = stock::json(listener);
            stock::each(&mut value, &mut |object| {
                if object.contains_key("http_filters") {
                    object.insert("access_log".to_owned(), log.clone());
                    managers += 1;
                }
            });
            *listener = stock::message_of("envoy.config.listener.v3.Listener", value);
        }
        assert!(managers > 0, "found no connection manager to log");
    }

    /// What the agent passes to Envoy as `--config-yaml`.
    pub(super) fn overriding(&self, form: Form, shape: &Shape) -> String {
        let document = self.read("bootstrap.yaml").remove(0);
        let text =
            document.at(&["data", "custom_bootstrap.json"]).and_then(Node::text).expect("the key the agent reads");
        let mut value: Value = yaml::read(text).expect("YAML").remove(0).to_json();
        let vm = &mut value["bootstrap_extensions"][0]["typed_config"]["config"]["vm_config"];
        let wasm =
            shape.fetcher_build.as_deref().map_or_else(|| artefacts::path("dist/graylane.wasm"), artefacts::wasm);
        assert_eq!(vm["code"]["local"]["filename"], json!("/etc/graylane/graylane.wasm"));
        vm["code"]["local"]["filename"] = json!(wasm);
        if form == Form::WasmPluginAndBootstrap {
            vm.as_object_mut().expect("a map").remove("vm_id").expect("a vm_id");
        }
        value.to_string()
    }

    /// The labels that `extraStatTags` of mesh-config.yaml makes.
    pub(super) fn stat_tags(&self) -> Vec<String> {
        let mesh = self.read("mesh-config.yaml").remove(0).to_json();
        let tags = mesh["meshConfig"]["defaultConfig"]["extraStatTags"].as_array().expect("extraStatTags").clone();
        tags.iter().map(|tag| tag.as_str().expect("a name").to_owned()).collect()
    }

    fn text(&self, file: &str) -> String {
        let text = std::fs::read_to_string(root().join("envoy/istio").join(file)).expect(file);
        let Some(altered) = self.installation.altered.filter(|altered| altered.file == file) else { return text };
        assert!(text.contains(altered.from), "found no {:?} in {file}", altered.from);
        text.replace(altered.from, altered.to)
    }

    fn read(&self, file: &str) -> Vec<Node> {
        yaml::read(&self.text(file)).unwrap_or_else(|why| panic!("{file}: {why:?}"))
    }
}

/// An EnvoyFilter that nothing is wrong with.
pub(super) fn envoy_filter(text: &str) -> EnvoyFilter {
    let document = yaml::read(text).expect("YAML").remove(0);
    without_problems(text, |report| EnvoyFilter::read(&document, report))
}
