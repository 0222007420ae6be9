"""Prints SERVICE REGION FIPS DUALSTACK URL for every region of every partition, as botocore resolves it."""

import botocore.endpoint_provider as provider
import botocore.exceptions
import botocore.session

SERVICES = {"kinesis": "kinesis", "s3": "s3", "monitoring": "cloudwatch", "sts": "sts"}
EXTRA = {
    "s3": dict(
        Bucket="bucket-x", ForcePathStyle=True, Accelerate=False, UseGlobalEndpoint=False,
        DisableMultiRegionAccessPoints=True),
    "sts": dict(UseGlobalEndpoint=False),
}

loader = botocore.session.get_session().get_component("data_loader")
partitions = loader.load_data("partitions")
for service, model in SERVICES.items():
    rules = provider.EndpointProvider(
        loader.load_service_model(model, "endpoint-rule-set-1"), partitions)
    for partition in partitions["partitions"]:
        for region in sorted(partition["regions"]):
            if region.endswith("-global"):
                continue
            for fips in (False, True):
                for dual in (False, True):
                    try:
                        url = rules.resolve_endpoint(
                            Region=region, UseFIPS=fips, UseDualStack=dual, **EXTRA.get(service, {})).url
                    except botocore.exceptions.EndpointProviderError:
                        url = "none"
                    print(service, region, fips, dual, url.replace("/bucket-x", ""))
