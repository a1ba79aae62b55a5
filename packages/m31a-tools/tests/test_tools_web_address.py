"""Which addresses may be fetched: a table of spellings, and what a name leads to."""

import ipaddress
import socket
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m31a_tools import BlockedAddress, CheckedAddress, check_url
from m31a_tools.address import resolve_host, split_url
from m31a_tools.public_networks import is_public

PUBLIC = "93.184.216.34"
ANSWERS: dict[str, tuple[str, ...]] = {
    "example.com": (PUBLIC,),
    "www.example.com": (PUBLIC, "2606:2800:220:1:248:1893:25c8:1946"),
    "xn--bcher-kva.example": (PUBLIC,),
    "xn--fsqu00a.xn--0zwm56d": (PUBLIC,),
    "xn--ls8h.la": (PUBLIC,),
    "a.b.c.d.example.com": (PUBLIC,),
    "my_host.example.com": (PUBLIC,),
    "1.1.1.1.example.com": (PUBLIC,),
    "127.0.0.1.example.com": (PUBLIC,),
    "123example.com": (PUBLIC,),
    "localhost.example.com": (PUBLIC,),
    "xn--a.example": (PUBLIC,),
    # names that lead to where they must not
    "loop.example.com": ("127.0.0.1",),
    "one-bad.example.com": (PUBLIC, "10.0.0.1"),
    "last-bad.example.com": ("2606:2800:220:1::1", PUBLIC, "::1"),
    "meta.example.com": ("169.254.169.254",),
    "mapped.example.com": ("::ffff:127.0.0.1",),
    "nat64.example.com": ("64:ff9b::7f00:1",),
    "scoped.example.com": ("fe80::1%eth0",),
    "scoped2.example.com": ("2606:2800:220:1::1%eth0",),
    "none.example.com": (),
    "many.example.com": (PUBLIC,) * 65,
    "odd.example.com": ("not an address",),
    "short.example.com": ("127.1",),
}


def resolve(host: str) -> Sequence[str]:
    """The table's answers; a name that is not in it does not exist."""
    if host not in ANSWERS:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")
    return ANSWERS[host]


ALLOWED = [
    # what is asked for, and the address as it is fetched
    ("https://example.com", "https://example.com/"),
    ("http://example.com", "http://example.com/"),
    ("example.com", "https://example.com/"),
    ("//example.com/x", "https://example.com/x"),
    ("example.com:8443/x", "https://example.com:8443/x"),
    ("HTTPS://EXAMPLE.COM/Path", "https://example.com/Path"),
    ("https://example.com.", "https://example.com/"),
    ("https://example.com:443/", "https://example.com/"),
    ("http://example.com:80/", "http://example.com/"),
    ("http://example.com:443/", "http://example.com:443/"),
    ("https://example.com:8443/a", "https://example.com:8443/a"),
    ("http://example.com:8080/a", "http://example.com:8080/a"),
    ("https://www.example.com/a?b=c&d", "https://www.example.com/a?b=c&d"),
    ("https://example.com/a#b", "https://example.com/a"),
    ("https://example.com?q=1", "https://example.com/?q=1"),
    ("https://example.com#x@127.0.0.1", "https://example.com/"),
    ("https://example.com/a@b:c", "https://example.com/a@b:c"),
    ("https://example.com/?u=http://127.0.0.1/", "https://example.com/?u=http://127.0.0.1/"),
    ("https://example.com/%2e%2e/x", "https://example.com/%2e%2e/x"),
    ("https://example.com/\u00fc?\u00e4=1", "https://example.com/%C3%BC?%C3%A4=1"),
    ('https://example.com/a|b<c>"d"', "https://example.com/a%7Cb%3Cc%3E%22d%22"),
    ("https://b\u00fccher.example/", "https://xn--bcher-kva.example/"),
    ("https://B\u00dcCHER.example/", "https://xn--bcher-kva.example/"),
    ("https://\u4f8b\u5b50.\u6d4b\u8bd5/", "https://xn--fsqu00a.xn--0zwm56d/"),
    ("https://\U0001f4a9.la/", "https://xn--ls8h.la/"),
    ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
    ("https://a.b.c.d.example.com/", "https://a.b.c.d.example.com/"),
    ("https://my_host.example.com/", "https://my_host.example.com/"),
    ("https://1.1.1.1.example.com/", "https://1.1.1.1.example.com/"),
    ("https://127.0.0.1.example.com/", "https://127.0.0.1.example.com/"),
    ("https://123example.com/", "https://123example.com/"),
    ("https://localhost.example.com/", "https://localhost.example.com/"),
    ("https://1.1.1.1/", "https://1.1.1.1/"),
    ("https://8.8.8.8./", "https://8.8.8.8/"),
    ("https://172.15.255.255/", "https://172.15.255.255/"),
    ("https://172.32.0.0/", "https://172.32.0.0/"),
    ("https://100.63.255.255/", "https://100.63.255.255/"),
    ("https://100.128.0.0/", "https://100.128.0.0/"),
    ("https://192.167.255.255/", "https://192.167.255.255/"),
    ("https://198.17.255.255/", "https://198.17.255.255/"),
    ("https://198.20.0.0/", "https://198.20.0.0/"),
    ("https://223.255.255.255/", "https://223.255.255.255/"),
    ("https://[2606:2800:220:1::1]/", "https://[2606:2800:220:1::1]/"),
    ("https://[2606:2800:0220:0001:0:0:0:1]:8443/", "https://[2606:2800:220:1::1]:8443/"),
    ("https://[2A00:1450:4001::8A]/", "https://[2a00:1450:4001::8a]/"),
    ("https://[2001:200::1]/", "https://[2001:200::1]/"),
    ("https://[2400:cb00::1]/", "https://[2400:cb00::1]/"),
]


@pytest.mark.parametrize(("url", "fetched"), ALLOWED)
def test_public_addresses_are_fetched_in_their_plain_form(url: str, fetched: str) -> None:
    checked = check_url(url, resolve)
    assert checked.url == fetched
    assert all(is_public(ipaddress.ip_address(ip)) for ip in checked.ips)


BLOCKED = [
    # loopback, in the spellings that resolvers and browsers read as such
    *("http://127.0.0.1/", "http://127.0.0.1:80/", "http://127.1/", "http://127.0.1/"),
    *("http://127.255.255.254/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/"),
    *("http://0177.0.0.1/", "http://0177.1/", "http://017700000001/", "http://127.0.0.01/"),
    *("http://0x7f.0x0.0x0.0x1/", "http://127.0x1/", "http://0X7F.0.0.1/", "http://127.000.0.1/"),
    *("http://00000177.0.0.1/", "http://127.0.0.1./", "http://127.0.0.1../", "http://127..0.1/"),
    *("http://4294967296/", "http://6425673729/", "http://127.0.0.257/", "http://1.2.3.4.5/"),
    *("http://0/", "http://0.0.0.0/", "http://0.0.0.0:8080/", "http://00/", "http://0x/"),
    *("http://0x0/", "http://0.1.2.3/", "http://1/", "http://1.1/", "http://134744072/"),
    *("http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://a.localhost/"),
    *("http://localhost:8080/", "http://localhost.localdomain/", "http://ip6-localhost/"),
    # digits and letters that stand for others
    *("http://\uff11\uff12\uff17.0.0.1/", "http://\u2460\u2461\u2466.\u24ea.\u24ea.\u2460/"),
    *("http://127\u30020\u30020\u30021/", "http://127\uff0e0\uff0e0\uff0e1/"),
    *("http://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54/", "http://\u24dbocalhost/"),
    *("http://\U0001d7cf27.0.0.1/", "http://\u0661\u0662\u0667.0.0.1/", "http://loca\u017fhost/"),
    *("http://fa\u00df.example/", "http://\u1e9e.example/", "http://ex\u200dample.com/"),
    *("http://exa\u00admple.com/", "http://example\u2024com/", "http://\u0130.example/"),
    *("http://xn--/", "http://\ud800.com/", "http://\u2100.com/", "http://\uff05example.com/"),
    # private, local, special
    *("http://10.0.0.1/", "http://10.255.255.255/", "http://172.16.0.1/", "http://172.31.255.1/"),
    *("http://192.168.0.1/", "http://192.168.255.255/", "http://100.64.0.1/"),
    *("http://100.127.255.255/", "http://100.100.100.200/", "http://169.254.1.1/"),
    *("http://169.254.169.254/latest/meta-data/", "http://169.254.170.2/", "http://2852039166/"),
    *("http://0xA9FEA9FE/", "http://0251.0376.0251.0376/", "http://169.254.43518/"),
    *("http://192.0.0.1/", "http://192.0.0.192/", "http://192.0.0.170/", "http://192.0.2.1/"),
    *("http://198.51.100.7/", "http://203.0.113.9/", "http://198.18.0.1/", "http://198.19.9.9/"),
    *("http://192.88.99.1/", "http://192.31.196.1/", "http://192.52.193.1/"),
    *("http://192.175.48.1/", "http://168.63.129.16/", "http://224.0.0.1/", "http://239.1.1.1/"),
    *("http://240.0.0.1/", "http://255.255.255.255/", "http://0.0.0.1/"),
    # IPv6
    *("http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/", "http://[::0001]/"),
    *("http://[::127.0.0.1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/"),
    *("http://[::ffff:8.8.8.8]/", "http://[::ffff:0:127.0.0.1]/", "http://[::ffff:a00:1]/"),
    *("http://[0:0:0:0:0:ffff:169.254.169.254]/", "http://[64:ff9b::127.0.0.1]/"),
    *("http://[64:ff9b::808:808]/", "http://[64:ff9b:1::1]/", "http://[2002:7f00:1::]/"),
    *("http://[2002:808:808::1]/", "http://[2001::1]/", "http://[2001:0:808:808::]/"),
    *("http://[2001:2::1]/", "http://[2001:10::1]/", "http://[2001:20::1]/"),
    *("http://[2001:db8::1]/", "http://[3fff::1]/", "http://[5f00::1]/", "http://[100::1]/"),
    *("http://[fe80::1]/", "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/"),
    *("http://[::1%25lo]/", "http://[fec0::1]/", "http://[fc00::1]/", "http://[fd00:ec2::254]/"),
    *("http://[fd20:ce::254]/", "http://[ff02::1]/", "http://[ff0e::1]/", "http://[4000::1]/"),
    *("http://[2620:4f:8000::1]/", "http://[2606:2800::5efe:7f00:1]/"),
    *("http://[2606:2800::200:5efe:a00:1]/", "http://[::1].example.com/", "http://[::1/"),
    *("http://::1/", "http://[]/", "http://[1.2.3.4]/", "http://[::1]x/", "http://[v1.a]/"),
    *("http://[[::1]]/", "http://[2606:2800:220:1::1/"),
    # credentials
    *("http://user@example.com/", "http://user:pass@example.com/", "http://@example.com/"),
    *("http://example.com@127.0.0.1/", "http://127.0.0.1@example.com/", "http://a:@example.com/"),
    *("https://example.com:443@127.0.0.1/", "http://example.com%40127.0.0.1/"),
    # what two programs read differently
    *("http://example.com\\@127.0.0.1/", "http:\\\\127.0.0.1/", "https:\\\\example.com"),
    *("http://127.0.0.1\\.example.com/", "http:/127.0.0.1/", "http:127.0.0.1/", "http:///x"),
    *("http:////127.0.0.1/", "https:example.com", "http://", "http:", "", "https:///", "/"),
    *("http://exa\tmple.com/", "http://exa\nmple.com/", "\thttp://example.com/", "ht\ntp://a.b/"),
    *("http://example.com /", " http://example.com", "http://example.com\r\nHost: x"),
    *("http://example.com/\0", "http://example.com/a b", "http://example.com/\u00a0"),
    *("http://example.com/\u202e", "http://%31%32%37.0.0.1/", "http://exam%70le.com/"),
    *("http://example..com/", "http://.example.com/", "http://-example.com/", "http://a-.com/"),
    *("http://*.example.com/", "http://exa$mple.com/", "http://example.com,127.0.0.1/"),
    *("http://example.com;127.0.0.1/", "http://(127.0.0.1)/", "http://{a}.com/", "http://a'b.com/"),
    f"http://{'a' * 64}.com/",
    f"http://{'a.' * 127}com/",
    f"http://example.com/{'a' * 4096}",
    # ports
    *("http://example.com:22/", "http://example.com:25/", "http://example.com:6379/"),
    *("http://example.com:0/", "http://example.com:65536/", "http://example.com:-1/"),
    *("http://example.com:/", "http://example.com:080/", "http://example.com:8o/"),
    *("http://example.com:80:80/", "http://example.com:99999999999/", "http://1.1.1.1:9200/"),
    *("http://example.com:+80/", "http://example.com:\uff18\uff10/", "http://example.com:8080 /"),
    # schemes
    *("ftp://example.com/", "file:///etc/passwd", "file://localhost/etc/passwd"),
    *("gopher://127.0.0.1:6379/_x", "dict://example.com/", "data:text/html,x", "javascript:x"),
    *("ws://example.com/", "httpx://example.com/", "http+unix://x/", "jar:http://example.com!/"),
    *("https+http://example.com", "view-source:https://example.com/", "blob:https://a.b/c"),
    # names of private networks
    *("http://metadata.google.internal/", "http://metadata/", "http://router/", "http://intranet/"),
    *("http://printer.local/", "http://nas.lan/", "http://host.docker.internal/", "http://x.corp/"),
    *("http://kubernetes.default.svc.cluster.local/", "http://a.home.arpa/", "http://x.onion/"),
    *("http://example.test/", "http://com/"),
    # names that lead to such places, to none, or to something odd
    *("http://loop.example.com/", "http://one-bad.example.com/", "http://last-bad.example.com/"),
    *("http://meta.example.com/", "http://mapped.example.com/", "http://nat64.example.com/"),
    *("http://scoped.example.com/", "http://scoped2.example.com/", "http://none.example.com/"),
    *("http://many.example.com/", "http://odd.example.com/", "http://short.example.com/"),
    "http://unknown.example.com/",
]


@pytest.mark.parametrize("url", BLOCKED)
def test_all_other_addresses_are_blocked_whatever_the_spelling(url: str) -> None:
    with pytest.raises(BlockedAddress) as blocked:
        check_url(url, resolve)
    assert " is not fetched: " in str(blocked.value)
    assert blocked.value.reason


def test_the_table_is_as_long_as_promised() -> None:
    assert len(ALLOWED) + len(BLOCKED) >= 250
    assert len(set(BLOCKED)) == len(BLOCKED)


def test_a_name_is_resolved_once_and_all_answers_are_kept_in_their_order() -> None:
    asked: list[str] = []

    def remember(host: str) -> Sequence[str]:
        asked.append(host)
        return resolve(host)

    checked = check_url("https://WWW.example.com:8443/a?b", remember)

    assert asked == ["www.example.com"]
    assert checked == CheckedAddress(
        scheme="https",
        host="www.example.com",
        port=8443,
        target="/a?b",
        ips=(PUBLIC, "2606:2800:220:1:248:1893:25c8:1946"),
    )
    assert checked.authority == "www.example.com:8443"


def test_numbers_are_not_resolved() -> None:
    def never(host: str) -> Sequence[str]:
        raise AssertionError(host)

    assert check_url("https://1.1.1.1/", never).ips == ("1.1.1.1",)
    assert check_url("https://[2606:2800:220:1::1]/", never).ips == ("2606:2800:220:1::1",)


def test_what_is_permitted_is_one_address_with_one_port() -> None:
    permit = {("127.0.0.1", 9999)}
    assert check_url("http://127.0.0.1:9999/", permit=permit).ips == ("127.0.0.1",)
    assert check_url("http://loop.example.com:9999/", resolve, permit=permit).port == 9999
    for url in ("http://127.0.0.1/", "http://127.0.0.2:9999/", "http://one-bad.example.com:9999/"):
        with pytest.raises(BlockedAddress):
            check_url(url, resolve, permit=permit)
    # A permitted port is permitted for that address alone.
    with pytest.raises(BlockedAddress, match="port 9999"):
        check_url("http://example.com:9999/", resolve, permit=permit)


def test_the_systems_resolver_gives_each_address_once() -> None:
    assert set(resolve_host("localhost")) <= {"127.0.0.1", "::1"}
    assert resolve_host("127.0.0.1") == ("127.0.0.1",)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_ipv4_address_that_python_knows_as_special_is_public(number: int) -> None:
    ip = ipaddress.IPv4Address(number)
    if is_public(ip):
        special = (ip.is_private, ip.is_multicast, ip.is_reserved, ip.is_link_local)
        assert ip.is_global
        assert not any(special)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["::", "::ffff:", "64:ff9b::", "::ffff:0:"]))
def test_no_ipv6_address_that_stands_for_an_ipv4_address_is_public(number: int, head: str) -> None:
    ip = ipaddress.IPv6Address(f"{head}{ipaddress.IPv4Address(number)}")
    assert not is_public(ip)
    assert not is_public(ipaddress.IPv6Address((0x2002 << 112) | (number << 80)))
    assert not is_public(ipaddress.IPv6Address((0x20010000 << 96) | number))


SPELLINGS = st.text(alphabet="0123456789abcdefx.:[]/@%\\#? \t\uff11\u3002", max_size=24)


@settings(max_examples=400, deadline=None)
@given(SPELLINGS)
def test_whatever_the_text_it_is_blocked_or_leads_to_public_hosts_by_a_plain_url(text: str) -> None:
    url = f"http://{text}"
    try:
        checked = check_url(url, lambda _: (PUBLIC,))
    except BlockedAddress:
        return
    assert all(is_public(ipaddress.ip_address(ip)) for ip in checked.ips)
    assert checked.url.isascii()
    # The plain form means the same, once more.
    assert split_url(checked.url) == (checked.scheme, checked.host, checked.port, checked.target)
