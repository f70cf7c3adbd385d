//! What of the update path shall be different.

use super::Mesh;
use crate::{Signer, history::Recorder};

impl Mesh {
    /// Has another build filter and fetch: `hooks` or `next`, or the file of an absolute path.
    #[must_use]
    pub fn wasm(self, build: &str) -> Self {
        self.filter_wasm(build).fetcher_wasm(build)
    }

    /// Labels Envoy's node.
    #[must_use]
    pub fn labels(mut self, labels: &[(&str, &str)]) -> Self {
        let labels = labels.iter().map(|&(name, value)| (name.to_owned(), value.to_owned()));
        self.shape.labels.extend(labels);
        self
    }

    /// Has another build filter.
    #[must_use]
    pub fn filter_wasm(mut self, build: &str) -> Self {
        self.shape.filter_build = Some(build.to_owned());
        self
    }

    /// Has another build fetch.
    #[must_use]
    pub fn fetcher_wasm(mut self, build: &str) -> Self {
        self.shape.fetcher_build = Some(build.to_owned());
        self
    }

    /// Starts another build of the control plane: `next`.
    #[must_use]
    pub fn control_build(self, build: &str) -> Self {
        Self { control_build: Some(build.to_owned()), ..self }
    }

    /// Gives the fetcher `configuration`, one line of JSON, instead of the shipped one; the filter has it for the time when
    /// no fetcher lives.
    #[must_use]
    pub fn fetcher_configuration(mut self, configuration: &str) -> Self {
        self.shape.fetcher = Some(configuration.to_owned());
        self
    }

    /// Tells the filter how to fetch, also where it has [another configuration](Self::filter_configuration).
    #[must_use]
    pub fn filter_fetches(mut self) -> Self {
        self.shape.filter_fetches = true;
        self
    }

    /// Does not tell the filter how to fetch.
    #[must_use]
    pub fn filter_never_fetches(mut self) -> Self {
        self.shape.filter_never_fetches = true;
        self
    }

    /// Starts no fetcher: the filter fetches.
    #[must_use]
    pub fn without_fetcher(mut self) -> Self {
        self.shape.without_fetcher = true;
        self
    }

    /// Gives no VM a vm_id, as Istio's WasmPlugin does.
    #[must_use]
    pub fn empty_vm_id(mut self) -> Self {
        self.shape.empty_vm_id = true;
        self
    }

    /// Names so many control planes to the fetcher, in order; [`Running::control`](crate::Running::control) is the first,
    /// [`Running::spare`](crate::Running::spare) the others, which serve the same directory.
    #[must_use]
    pub fn clusters(self, count: usize) -> Self {
        assert!(count > 0, "found no control plane, expected one or more");
        Self { spares: count - 1, ..self }
    }

    /// Has the fetcher accept only what one of these keys has signed, and control sign with the first of them.
    #[must_use]
    pub fn signed_by(self, signers: &[&Signer]) -> Self {
        let signer = signers.first().map(|&signer| signer.clone());
        Self { signer, ..self.trusting(signers) }
    }

    /// Has the fetcher accept only what one of these keys has signed.
    #[must_use]
    pub fn trusting(mut self, signers: &[&Signer]) -> Self {
        self.shape.keys = signers.iter().map(|signer| (signer.id().to_owned(), signer.public())).collect();
        self
    }

    /// Has control read overrides of switches from a file in which `text` stands.
    #[must_use]
    pub fn switches(self, text: &str) -> Self {
        Self { switches: Some(text.to_owned()), ..self }
    }

    /// Has control keep revisions in a store; rules are [published](crate::Control::publish) there, and not written.
    #[must_use]
    pub fn kept(self) -> Self {
        Self { kept: true, ..self }
    }

    /// Starts the control plane with these options besides.
    #[must_use]
    pub fn control_options(mut self, options: &[&str]) -> Self {
        self.control_options.extend(options.iter().map(|&option| option.to_owned()));
        self
    }

    /// Starts Envoy with a variable in its environment, and hands that on to the filter.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push(format!("{name}={value}"));
        self.shape.environment.push(name.to_owned());
        self
    }

    /// Puts a [`Cable`](crate::Cable) between Envoy and each control plane.
    #[must_use]
    pub fn by_cable(self) -> Self {
        Self { by_cable: true, ..self }
    }

    /// Has the HTTP filter come by ECDS, from a file; [`Running::push_filter`](crate::Running::push_filter) replaces it.
    #[must_use]
    pub fn by_ecds(mut self) -> Self {
        self.shape.by_ecds = true;
        self
    }

    /// Has the listeners come by LDS, from a file; [`Running::push_listeners`](crate::Running::push_listeners) replaces
    /// them. Envoy's ports are kept, as with [`restartable`](Self::restartable).
    #[must_use]
    pub fn by_lds(mut self) -> Self {
        self.shape.by_lds = true;
        self
    }

    /// Starts Envoy so that it can be replaced without a gap, and on ports that stay its own while it is down.
    #[must_use]
    pub fn restartable(self) -> Self {
        Self { restartable: true, ..self }
    }

    /// Has every request and every response tell by which revision it was decided, which variant and why: as
    /// `x-graylane-revision`, `x-graylane-variant` and `x-graylane-reason`.
    #[must_use]
    pub fn tell_revision(mut self) -> Self {
        self.shape.tells_revision = true;
        self
    }

    /// Records what happens: what is published, what VMs say that they run, and the access log; whoever sends a
    /// [load](crate::load::Load::recorded_by) has it recorded too. The revision is [told](Self::tell_revision).
    #[must_use]
    pub fn recorded_by(self, recorder: &Recorder) -> Self {
        Self { recorder: Some(recorder.clone()), ..self.tell_revision() }
    }
}
