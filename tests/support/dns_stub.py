"""A DNS server on loopback that answers what a test wants, and a look-up that asks it and nobody else."""

import socket
import threading
from types import TracebackType
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset


class DnsStub:
    """`names`: name → successive answers, each a list of addresses; the last one is repeated. TTL 0."""

    def __init__(self, names: dict[str, list[list[str]]]) -> None:
        self.names = names
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def look_up(self, name: str, _port: int) -> list[str]:
        """As worker.outgoing wants it: A and AAAA records, by way of UDP."""
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], self._socket.getsockname()[1]
        found: list[str] = []
        for kind in ("A", "AAAA"):
            try:
                found += [record.address for record in resolver.resolve(f"{name}.", kind, lifetime=5)]
            except dns.resolver.NoAnswer:
                continue
            except dns.resolver.NXDOMAIN as error:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from error
        return found

    def _serve(self) -> None:
        while wire := self._socket.recvfrom(4096):
            if not wire[0]:
                return
            self._socket.sendto(self._answer(dns.message.from_wire(wire[0])).to_wire(), wire[1])

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        if name not in self.names:
            answer.set_rcode(dns.rcode.NXDOMAIN)
            return answer
        if kind == "A":
            self.asked.append(name)
        place = max(self.asked.count(name) - 1, 0)
        answers = self.names[name]
        addresses = answers[min(place, len(answers) - 1)]
        wanted = [address for address in addresses if (":" in address) == (kind == "AAAA")]
        if wanted:
            answer.answer.append(dns.rrset.from_text(question.name, 0, "IN", kind, *wanted))
        return answer
