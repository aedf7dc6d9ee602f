"""An office for tests: people, sessions and tokens of a database, whose clock the test turns."""

from dataclasses import dataclass, field

from adapters.database import Database
from adapters.people import People, Refused, SignedIn
from adapters.tokens import Tokens
from incidents.rights import Person
from incidents.vocabulary import Role
from tests.console.door import PASSWORD, QUICK, a_person

PARENTS = {"sanitation-city": None, "sanitation-370202": "sanitation-city", "crew-7": "sanitation-370202", "parks-city": None}


@dataclass
class Office:
    """People and tokens whose clock the test turns."""

    database: Database
    now: int = 1_800_000_000_000
    people: People = field(init=False)
    tokens: Tokens = field(init=False)

    def __post_init__(self) -> None:
        self.people = People(self.database, PARENTS, QUICK, lambda: self.now)
        self.tokens = Tokens(self.database, self.people, lambda: self.now)

    def wang(self) -> Person:
        """An account that is there."""
        self.people.add(a_person(Role.DISPATCHER, "wang", level="district", district="370202"), PASSWORD)
        return self.people.accounts()[0].person

    def tried(self, password: str = PASSWORD, account: str = "wang", address: str = "10.0.0.1") -> SignedIn | Refused:
        """One attempt."""
        return self.people.sign_in(account, password, address)

    def signed_in(self, account: str = "wang") -> SignedIn:
        """An attempt that must be right."""
        found = self.tried(account=account)
        assert isinstance(found, SignedIn)
        return found
