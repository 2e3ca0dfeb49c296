# ruff: noqa: RUF001 - names in other scripts have letters that look like Latin ones; that is their point
"""Who buys: names in the scripts that customers have, with addresses of the reserved domain `.example`.

Called by day. Names are unique without regard to letter case, as Xero wants contacts' names to be.
"""

from typing import Any, Final

_PEOPLE: Final = (
    ("Blue Fern Ltd", "ap@bluefern.example"),
    ("Harbour Lane Books", "orders@harbourlane.example"),
    ("J. O'Connor & Sons", "accounts@oconnor.example"),
    ("Zoë Brontë-Lindqvist", "zoe@bronte.example"),
    ("Café Ångström", "hej@angstrom.example"),
    ("Müller & Söhne GmbH", "rechnung@mueller.example"),
    ("Łukasz Żółkiewski", "lukasz@zolkiewski.example"),
    ("Dvořák Hudební Nástroje s.r.o.", "faktury@dvorak.example"),
    ("Nguyễn Thị Minh Châu", "minhchau@nguyen.example"),
    ("İpek Yıldız Tekstil A.Ş.", "muhasebe@yildiz.example"),
    ("Þórunn Ægisdóttir", "thorunn@aegisdottir.example"),
    ("L'Atelier d'Éloïse", "bonjour@atelier.example"),
    ("Ελληνικό Παντοπωλείο ΑΕ", "info@pantopoleio.example"),
    ("Νίκος Παπαδόπουλος", "nikos@papadopoulos.example"),
    ("ООО «Северный ветер»", "buh@severny.example"),
    ("Олена Шевченко", "olena@shevchenko.example"),
    ("شركة النخيل للتجارة", "orders@nakheel.example"),
    ("ليلى حسن", "layla@hassan.example"),
    ("ספרי הכרמל בע״מ", "office@carmel.example"),
    ("נועה לוי", "noa@levi.example"),
    ("上海云杉贸易有限公司", "ap@yunshan.example"),
    ("王小明", "xiaoming@wang.example"),
    ("株式会社さくら堂", "keiri@sakurado.example"),
    ("佐藤 花子", "hanako@sato.example"),
    ("한빛서점 주식회사", "office@hanbit.example"),
    ("김민수", "minsu@kim.example"),
    ("हिमालय ट्रेडर्स", "accounts@himalaya.example"),
    ("अनन्या शर्मा", "ananya@sharma.example"),
    ("Te Whare Pukapuka o Ōtautahi", "kiaora@pukapuka.example"),
    ("Māia Tūhoe Weavers", "maia@tuhoe.example"),
    ("ร้านดอกไม้กรุงเทพ", "hello@dokmai.example"),
    ("தமிழ் நூலகம்", "library@tamil.example"),
    ("Quayside Chandlery (Leith)", "stores@quayside.example"),
    ("Van den Berg & Zn.", "boekhouding@vandenberg.example"),
    ("Señor Muñoz Importaciones S.A.", "pagos@munoz.example"),
    ("Ísafjörður Wool Co-op", None),
    ("The 3rd Street Bakery", None),
    ("Corner Shop / Ms Adeyemi", None),
)


def customer(index: int) -> dict[str, Any]:
    """The customer of that number, always alike; numbers beyond the list begin again."""
    number = index % len(_PEOPLE)
    name, email = _PEOPLE[number]
    contact = {"external_id": f"cust-{number + 1:03}", "name": name}
    return contact if email is None else {**contact, "email": email}


def count() -> int:
    """How many there are."""
    return len(_PEOPLE)
