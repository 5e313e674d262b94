"""HTTP clients of endpoints, with the proxies and certificates that the environment names."""

from __future__ import annotations

import functools
import os
import re
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

import httpx

from clc.engines.openai.limits import ACCEPT_ENCODING
from clc.errors import ConfigurationError
from clc.version import __version__

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

__all__ = ["address_fault", "open_client"]

_TLS_NAMES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
_PORTS = range(1, 65536)
_NAME = re.compile(r"(?=.{1,253}\Z)[\w-]{1,63}(?:\.[\w-]{1,63})*\.?", re.ASCII)


def open_client(headers: Mapping[str, str], **options: Any) -> httpx.AsyncClient:
    """Open a client that follows no redirect: a key goes to the host that it was given for.

    Args:
        headers: of every request.
        options: of ``httpx.AsyncClient``.

    Raises:
        ConfigurationError: a proxy or certificates named by the environment cannot be used.
    """
    try:
        tls = _tls()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        names = [f"{name}={os.environ[name]}" for name in _TLS_NAMES if os.environ.get(name)]
        raise ConfigurationError(
            f"the TLS certificates cannot be loaded ({error}): correct or unset "
            f"{' and '.join(names) or 'them'}"
        ) from None
    names = [name for name in os.environ if name.lower() in {"all_proxy", "http_proxy",
             "https_proxy", "no_proxy"} and os.environ[name]]  # fmt: skip
    advice = f"correct or unset {' and '.join(sorted(names))}"  # not quoted: may hold a password
    _check_proxies(advice)
    try:
        client = httpx.AsyncClient(verify=tls, follow_redirects=False, **options)
    except ImportError:
        raise ConfigurationError(
            f"a SOCKS proxy needs the package socksio: pip install socksio, or {advice}"
        ) from None
    except (httpx.InvalidURL, ValueError):
        raise ConfigurationError(f"the environment names a proxy that is none: {advice}") from None
    own = {"Accept-Encoding": ACCEPT_ENCODING, "User-Agent": f"clc/{__version__}"}
    client.headers.update({**own, **headers})
    return client


def address_fault(url: httpx.URL) -> str | None:
    """Return the reason why no connection to the URL's host can be made, None if one can.

    Raises:
        ValueError: the host's name is no IDNA.

    >>> address_fault(httpx.URL("http://h:99999/v1")), address_fault(httpx.URL("http://h/v1"))
    ('its port is 99999, and ports are 1 to 65535', None)
    """
    if url.port is not None and url.port not in _PORTS:
        return f"its port is {url.port}, and ports are 1 to 65535"
    host = url.raw_host.decode("ascii", "replace")
    if ":" not in host and not (url.host and _NAME.fullmatch(host)):
        return f"{host!r:.80} is no name of a host"
    return None


def _check_proxies(advice: str) -> None:
    for scheme, proxy in getproxies().items():
        if scheme not in {"http", "https", "all"} or not proxy:
            continue
        try:
            fault = address_fault(httpx.URL(proxy if "://" in proxy else f"http://{proxy}"))
        except (httpx.InvalidURL, ValueError):
            fault = "it is no URL"
        if fault is not None:
            raise ConfigurationError(f"the proxy for {scheme} cannot be used, {fault}: {advice}")


@functools.cache
def _tls() -> ssl.SSLContext:
    """Load the trusted certificates: 70 ms, so once for all clients of a process."""
    return httpx.create_ssl_context()
