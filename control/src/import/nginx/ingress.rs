//! Ingress manifests: what routes where, and which annotations stand beside it.

use crate::import::{
    Broken,
    source::{self, Node, Place},
};

/// An Ingress.
#[derive(Debug)]
pub struct Ingress {
    /// The file it stands in.
    pub file: String,
    /// Where it begins.
    pub place: Place,
    /// Its namespace; empty where it names none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its routes.
    pub routes: Vec<Route>,
}

/// One annotation.
#[derive(Debug)]
pub struct Annotation {
    /// The whole name.
    pub key: String,
    /// Its value, as text.
    pub value: String,
    /// Where the value stands.
    pub place: Place,
}

/// Which requests go to which Service.
#[derive(Clone, Debug)]
pub struct Route {
    /// The host, in lower case; empty: any that no other route names.
    pub host: String,
    /// The path.
    pub path: String,
    /// How the path is compared.
    pub kind: PathKind,
    /// `NAMESPACE/SERVICE:PORT`, without the namespace where the Ingress names none.
    pub backend: String,
    /// Where it stands.
    pub place: Place,
}

/// How a path is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathKind {
    /// The whole path.
    Exact,
    /// Whole segments.
    Prefix,
    /// As nginx compares a plain location: as text.
    Implementation,
}

impl Ingress {
    /// `Ingress NAMESPACE/NAME`.
    pub fn title(&self) -> String {
        let slash = if self.namespace.is_empty() { "" } else { "/" };
        format!("Ingress {}{slash}{}", self.namespace, self.name)
    }

    /// The annotation `prefix/name`.
    pub fn annotation(&self, prefix: &str, name: &str) -> Option<&Annotation> {
        let matches = |key: &str| key.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')) == Some(name);
        self.annotations.iter().find(|annotation| matches(&annotation.key))
    }
}

/// The Ingresses of a file, and how many other resources stand in it.
///
/// # Errors
/// Where it is no YAML, or an Ingress lacks its name.
pub fn read(file: &str, text: &str) -> Result<(Vec<Ingress>, usize), Broken> {
    let documents = source::read(text).map_err(|why| Broken::new(file, why.place, why.why))?;
    let mut ingresses = Vec::new();
    let mut others = 0_usize;
    // `kubectl get -o yaml` wraps what it found in one list.
    let wrapped = |node: &Node| node.text_at("kind").is_some_and(|kind| kind == "List" || kind == "IngressList");
    for document in &documents {
        let list = document.at("items").map(Node::items).filter(|_| wrapped(document));
        for resource in list.unwrap_or(std::slice::from_ref(document)) {
            match resource.text_at("kind") {
                Some("Ingress") => ingresses.push(ingress(file, resource)?),
                None if document.text_at("kind") == Some("IngressList") => ingresses.push(ingress(file, resource)?),
                Some(_) => others = others.saturating_add(1),
                None => {
                    return Err(Broken::new(file, resource.place, "a document without `kind`, which is no manifest"));
                }
            }
        }
    }
    Ok((ingresses, others))
}

fn ingress(file: &str, node: &Node) -> Result<Ingress, Broken> {
    let metadata = node.at("metadata");
    let text = |key| metadata.and_then(|metadata| metadata.text_at(key)).unwrap_or_default().to_owned();
    let (name, namespace) = (text("name"), text("namespace"));
    if name.is_empty() {
        return Err(Broken::new(file, node.place, "an Ingress without metadata.name"));
    }
    let annotations = metadata.and_then(|metadata| metadata.at("annotations")).map(Node::entries).unwrap_or_default();
    let annotations = annotations.iter().filter_map(|(key, value)| {
        let (key, text) = (key.text()?.to_owned(), value.text()?.to_owned());
        Some(Annotation { key, value: text, place: value.place })
    });
    let routes = node.at("spec").map(|spec| routes(spec, &namespace)).unwrap_or_default();
    let annotations = annotations.collect();
    Ok(Ingress { file: file.to_owned(), place: node.place, namespace, name, annotations, routes })
}

fn routes(spec: &Node, namespace: &str) -> Vec<Route> {
    let mut routes = Vec::new();
    for rule in spec.at("rules").map(Node::items).unwrap_or_default() {
        let host = rule.text_at("host").unwrap_or_default().to_ascii_lowercase();
        let paths = rule.at("http").and_then(|http| http.at("paths")).map(Node::items).unwrap_or_default();
        for path in paths {
            let kind = match path.text_at("pathType") {
                Some("Exact") => PathKind::Exact,
                Some("Prefix") => PathKind::Prefix,
                _ => PathKind::Implementation,
            };
            let backend = path.at("backend").and_then(|node| backend(node, namespace)).unwrap_or_default();
            let text = path.text_at("path").filter(|path| !path.is_empty()).unwrap_or("/").to_owned();
            routes.push(Route { host: host.clone(), path: text, kind, backend, place: path.place });
        }
    }
    let default = spec.at("defaultBackend").or_else(|| spec.at("backend"));
    if let Some((node, backend)) = default.and_then(|node| Some((node, backend(node, namespace)?))) {
        let (host, path) = (String::new(), "/".to_owned());
        routes.push(Route { host, path, kind: PathKind::Prefix, backend, place: node.place });
    }
    routes
}

/// Both the present form and that of v1beta1.
fn backend(node: &Node, namespace: &str) -> Option<String> {
    let service = node.at("service");
    let name = service.and_then(|service| service.text_at("name")).or_else(|| node.text_at("serviceName"))?;
    let port = service.and_then(|service| service.at("port"));
    let port = port.and_then(|port| port.text_at("number").or_else(|| port.text_at("name")));
    let port = port.or_else(|| node.text_at("servicePort")).unwrap_or_default();
    let slash = if namespace.is_empty() { "" } else { "/" };
    Some(format!("{namespace}{slash}{name}:{port}"))
}
