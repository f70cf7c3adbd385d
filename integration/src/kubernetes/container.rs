//! A container of a Deployment, as a Docker engine runs the same.

use std::path::Path;

use serde_json::{Value, json};

use super::arguments;

/// What `docker run` must be told for `container`: its securityContext, its limit of memory, its mounts from `mounts` (a path in
/// the container, and the directory that stands there), its image and its arguments.
///
/// # Errors
/// What of the securityContext has no translation: then it would run with more than in the cluster.
pub fn options(container: &Value, mounts: &[(&str, &Path)]) -> Result<Vec<String>, String> {
    let mut options = security(&container["securityContext"])?;
    let memory = container["resources"]["limits"]["memory"].as_str().and_then(|memory| memory.strip_suffix("Mi"));
    options.push(format!("--memory={}m", memory.ok_or("found no limit of memory in Mi")?));
    for (path, directory) in mounts {
        options.push(format!("--volume={}:{path}:ro", directory.display()));
    }
    options.push(container["image"].as_str().ok_or("found no image")?.to_owned());
    options.extend(arguments(container).into_iter().map(str::to_owned));
    Ok(options)
}

fn security(context: &Value) -> Result<Vec<String>, String> {
    let (mut options, mut user, mut group) = (Vec::new(), None, None);
    for (field, value) in context.as_object().ok_or("found no securityContext")? {
        match field.as_str() {
            "runAsUser" => user = value.as_u64().filter(|user| *user > 0),
            "runAsGroup" => group = value.as_u64().filter(|group| *group > 0),
            // The kubelet's check of the two above.
            "runAsNonRoot" if *value == json!(true) => {}
            "privileged" if *value == json!(false) => {}
            "readOnlyRootFilesystem" if *value == json!(true) => options.push("--read-only".to_owned()),
            "allowPrivilegeEscalation" if *value == json!(false) => {
                options.push("--security-opt=no-new-privileges".to_owned());
            }
            "capabilities" if *value == json!({"drop": ["ALL"]}) => options.push("--cap-drop=ALL".to_owned()),
            // What an engine does by itself.
            "seccompProfile" if *value == json!({"type": "RuntimeDefault"}) => {}
            _ => return Err(format!("found {field}: {value}, which is not translated")),
        }
    }
    let (user, group) = user.zip(group).ok_or("found no runAsUser and runAsGroup above 0")?;
    options.push(format!("--user={user}:{group}"));
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_allow_more_is_refused() {
        let least = || {
            json!({"runAsNonRoot": true, "runAsUser": 65532, "runAsGroup": 65532, "privileged": false,
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"}})
        };
        let told = security(&least()).unwrap();
        let expected = ["--cap-drop=ALL", "--read-only", "--security-opt=no-new-privileges", "--user=65532:65532"];
        assert_eq!(
            told.iter().collect::<std::collections::BTreeSet<_>>(),
            expected.map(str::to_owned).iter().collect()
        );
        for (field, value) in [
            ("runAsUser", json!(0)),
            ("privileged", json!(true)),
            ("readOnlyRootFilesystem", json!(false)),
            ("capabilities", json!({"drop": ["ALL"], "add": ["NET_ADMIN"]})),
            ("seccompProfile", json!({"type": "Unconfined"})),
            ("procMount", json!("Unmasked")),
        ] {
            let mut context = least();
            context[field] = value;
            assert!(security(&context).is_err(), "{field}");
        }
    }
}
