"""Prints what deploy/ and compose.yaml give the programs, as JSON: a list of objects with `name`, `variables`
and `configuration` (the text of a file, or null for the one that is installed).

Values that only a deployment has are those of the parameters' defaults, or made up.
"""

import json
import pathlib

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Parameters and attributes of other stacks without a default.
MADE_UP = {
    "AWS::Region": "eu-west-1", "Destination": "s3://some-bucket/bronze", "TradeStream": "trades", "BestBidAskStream": "best",
    "DepthStream": "depth", "MetricsNamespace": "Some/Namespace", "Symbols": "BTCUSDT",
}


class Template(yaml.SafeLoader):
    """CloudFormation's short forms; `!Ref NAME` is {"Ref": NAME}."""


Template.add_multi_constructor("!", lambda loader, tag, node: {
    tag: loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode)
    else loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode)
    else loader.construct_mapping(node, deep=True)})


def compose():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    yield "compose.yaml", services["ingestor"]["environment"], None


def kubernetes():
    parts = list(yaml.safe_load_all((ROOT / "deploy/kubernetes/ingestor.yaml").read_text()))
    text = next(p for p in parts if p["kind"] == "ConfigMap")["data"]["main.yaml"]
    pod = next(p for p in parts if p["kind"] == "StatefulSet")["spec"]["template"]["spec"]
    variables = {v["name"]: v.get("value", "bitcoin-ingestor-0") for v in pod["containers"][0]["env"]}
    yield "kubernetes", {k: v.replace("$(STAGE_INSTANCE)", "bitcoin-ingestor-0") for k, v in variables.items()}, text


def ecs():
    template = yaml.load((ROOT / "deploy/cloudformation/ecs.yaml").read_text(), Template)
    parameters = template["Parameters"]

    def value(given):
        if not isinstance(given, dict):
            return str(given)
        name = given.get("Ref")
        default = parameters.get(name, {}).get("Default")
        return str(default) if default is not None and name not in MADE_UP else MADE_UP[name]

    task = template["Resources"]["Task"]["Properties"]["ContainerDefinitions"]
    container = next(c for c in task if "Environment" in c)
    variables = {v["Name"]: value(v["Value"]) for v in container["Environment"]}
    yield "ecs", variables | {s["Name"]: "secret" for s in container["Secrets"]}, None


print(json.dumps([
    {"name": name, "variables": {k: str(v) for k, v in variables.items()}, "configuration": text}
    for source in (compose, kubernetes, ecs) for name, variables, text in source()
]))
