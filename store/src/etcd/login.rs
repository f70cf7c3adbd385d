//! Tokens, where the cluster has users.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{sync::Mutex, time::timeout};

use super::{
    address::{Login, Secret},
    failure::Failure,
    transport::Transport,
    wire::{Authenticate, Authenticated},
};

/// How long etcd may take for a password: it is hashed slowly on purpose.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who we are, and the token that says so. One is had for all calls of a handle.
#[derive(Debug)]
pub(super) struct Tokens {
    login: Login,
    token: Mutex<Option<Arc<str>>>,
}

impl Tokens {
    pub(super) fn new(login: Login) -> Self {
        Self { login, token: Mutex::new(None) }
    }

    /// The token; one that is `stale` is renewed at `endpoint` before. None where the cluster asks for none.
    pub(super) async fn token(
        &self,
        transport: &Transport,
        endpoint: &str,
        stale: Option<&Arc<str>>,
    ) -> Result<Option<Arc<str>>, Failure> {
        let mut token = self.token.lock().await;
        if let Some(known) = token.as_ref().filter(|known| stale.is_none_or(|stale| !Arc::ptr_eq(known, stale))) {
            return Ok(Some(Arc::clone(known)));
        }
        *token = self.renewed(transport, endpoint).await?;
        Ok(token.clone())
    }

    async fn renewed(&self, transport: &Transport, endpoint: &str) -> Result<Option<Arc<str>>, Failure> {
        let password = self.login.password.read().await.map_err(Failure::Refused)?;
        let body = serde_json::to_vec(&Authenticate { name: &self.login.user, password: &password });
        let body = Bytes::from(body.map_err(|why| Failure::Refused(why.to_string()))?);
        let call = transport.post(endpoint, "/v3/auth/authenticate", body, None);
        let late = |_| Failure::Unsent(format!("{endpoint}: found no token within {PATIENCE:?}, expected one"));
        match timeout(PATIENCE, call).await.map_err(late)? {
            Ok(answer) => read(&answer).map(|token| Some(token.into())),
            Err(Failure::Open) => Ok(None),
            // What comes to nothing here is not the call that needs the token.
            Err(Failure::Unknown(why)) => Err(Failure::Unsent(why)),
            Err(other) => Err(other),
        }
    }
}

fn read(answer: &[u8]) -> Result<String, Failure> {
    let answer: Authenticated = serde_json::from_slice(answer).unwrap_or_default();
    match answer.token.as_str() {
        // Not what came instead: it might be half a token.
        "" => Err(Failure::Unsent("found no token in the answer, expected one".to_owned())),
        _ => Ok(answer.token),
    }
}

impl Secret {
    /// The password; of a file without what ends its line.
    async fn read(&self) -> Result<String, String> {
        let expected = "expected the password for etcd";
        match self {
            Self::Variable(name) => {
                std::env::var(name).map_err(|why| format!("the variable {name}: found {why}, {expected}"))
            }
            Self::File(path) => {
                let (file, shown) = (path.clone(), path.display());
                let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(file)).await;
                let text =
                    read.map_err(|why| why.to_string())?.map_err(|why| format!("{shown}: found {why}, {expected}"))?;
                Ok(text.trim_end_matches(['\n', '\r']).to_owned())
            }
        }
    }
}
