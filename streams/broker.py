"""How to reach Kafka, in the words of each client: one KafkaAccess in, keyword arguments out."""

from __future__ import annotations

import ssl
from typing import Any

from streams.config import KafkaAccess, SettingError


def client_options(access: KafkaAccess) -> dict[str, Any]:
    """Arguments for any kafka-python client. Raises SettingError when a certificate cannot be read."""
    options: dict[str, Any] = {"bootstrap_servers": access.broker.split(","), "security_protocol": access.security}
    if access.security.startswith("SASL"):
        options |= {
            "sasl_mechanism": access.mechanism,
            "sasl_plain_username": access.user,
            "sasl_plain_password": access.password,
        }
    if context := _tls(access):
        options["ssl_context"] = context
    return options


def faust_options(access: KafkaAccess) -> dict[str, Any]:
    """Arguments for a Faust app. Raises SettingError when a certificate cannot be read."""
    import faust

    options: dict[str, Any] = {"broker": ";".join(f"kafka://{server}" for server in access.broker.split(","))}
    context = _tls(access)
    if access.security.startswith("SASL"):
        options["broker_credentials"] = faust.SASLCredentials(
            username=access.user, password=access.password, mechanism=access.mechanism, ssl_context=context
        )
    elif context:
        options["broker_credentials"] = faust.SSLCredentials(context)
    return options


def _tls(access: KafkaAccess) -> ssl.SSLContext | None:
    if not access.security.endswith("SSL"):
        return None
    try:
        context = ssl.create_default_context(cafile=access.ca_file or None)
        if access.certificate_file:
            context.load_cert_chain(access.certificate_file, access.key_file or None)
    except OSError as error:  # ssl.SSLError is one
        files = ", ".join(filter(None, (access.ca_file, access.certificate_file, access.key_file)))
        raise SettingError(f"Kafka's TLS files ({files}): {error}") from error
    return context
