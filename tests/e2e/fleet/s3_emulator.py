"""moto's S3 emulator with buckets already made; answers 503 to everything while a certain file exists.

    s3_emulator.py HOST PORT BUCKET... REFUSE_FILE
"""

import os
import sys
import threading

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

host, port, *buckets, refuse_file = sys.argv[1:]

dispatcher = DomainDispatcherApplication(create_backend_app)


def application(environment, start_response):
    if os.path.exists(refuse_file):
        start_response("503 Slow Down", [("Content-Type", "application/xml")])
        return [b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"]
    return dispatcher(environment, start_response)


server = make_server(host, int(port), application, threaded=True)


def make_buckets():
    import boto3

    client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1",
                          aws_access_key_id="fleet", aws_secret_access_key="fleet-secret")
    for bucket in buckets:
        client.create_bucket(Bucket=bucket)
    print("ready", flush=True)


threading.Thread(target=make_buckets, daemon=True).start()
server.serve_forever()
