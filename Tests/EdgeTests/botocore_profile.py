"""Prints the credentials that botocore finds in the surroundings, as JSON; exits 1 where it finds none."""

import json
import sys

import botocore.session

try:
    found = botocore.session.Session().get_credentials()
except Exception as error:
    print(error, file=sys.stderr)
    sys.exit(1)
if found is None:
    sys.exit(1)
frozen = found.get_frozen_credentials()
print(json.dumps({"key": frozen.access_key, "secret": frozen.secret_key, "token": frozen.token}))
