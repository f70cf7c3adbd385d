"""What the schemas of Kubernetes and of Istio say against documents.

Reads a JSON list of cases, each a list of documents; writes a list of lists of complaints. Kubernetes' own kinds are judged by the OpenAPI
schemas of API servers, in their strict form, which knows every field; those of Istio by models made from its CRDs, and what a model
did not take over is an unknown field.
"""

import json
import sys

import kubernetes_validate
from cloudcoil.models.istio.security import v1 as security
from pydantic import ValidationError

# The oldest that Istio 1.28 supports, and the newest.
VERSIONS = ["1.30", "1.37"]
ISTIO = {
    ("security.istio.io/v1", "AuthorizationPolicy"): security.AuthorizationPolicy,
    ("security.istio.io/v1", "PeerAuthentication"): security.PeerAuthentication,
}


def complaints(document):
    model = ISTIO.get((document.get("apiVersion"), document.get("kind")))
    return by_model(model, document) if model else by_schema(document)


def by_schema(document):
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as why:
            place = ".".join(str(step) for step in why.path)
            yield f"Kubernetes {version}: {document.get('kind')} {place}: {why.message}"
        except kubernetes_validate.SchemaNotFoundError as why:
            yield f"Kubernetes {version}: {why.message}"


def by_model(model, document):
    try:
        read = model.model_validate(document)
    except ValidationError as why:
        for error in why.errors():
            yield f"Istio: {document['kind']} {'.'.join(map(str, error['loc']))}: {error['msg']}"
        return
    written = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for place in missing(document, written, document["kind"]):
        yield f"Istio: {place}: unknown field"


def missing(one, other, place):
    if isinstance(one, dict) and isinstance(other, dict):
        for key, value in one.items():
            yield from missing(value, other[key], f"{place}.{key}") if key in other else [f"{place}.{key}"]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other)):
            yield from missing(left, right, f"{place}.{index}")
    elif one != other:
        yield place


cases = json.load(sys.stdin)
json.dump([[said for document in case for said in complaints(document)] for case in cases], sys.stdout)
