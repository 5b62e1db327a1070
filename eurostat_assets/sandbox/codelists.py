"""The positions a dimension can have: codes in code-list order (never the order of the sorted codes), with labels.

Codes and labels of small classifications are the field's own words; the long ones (causes, regions, items) are
invented in the form of the real ones. No dataset is described here.
"""

from __future__ import annotations

from functools import cache

DIMENSION_LABELS = {
    "freq": "Time frequency",
    "unit": "Unit of measure",
    "sex": "Sex",
    "age": "Age class",
    "geo": "Geopolitical entity (reporting)",
    "time": "Time",
    "icd10": "International Statistical Classification of Diseases and Related Health Problems (ICD-10 2010)",
    "isced11": "International Standard Classification of Education (ISCED 2011)",
    "quant_inc": "Income quintile",
    "deg_urb": "Degree of urbanisation",
    "levels": "Level",
    "lev_limit": "Level of activity limitation",
    "c_birth": "Country of birth",
    "icha11_hf": "Classification of health care - financing schemes (ICHA11)",
    "icha11_hc": "Classification of health care - function (ICHA11)",
    "facility": "Facilities",
    "indic_he": "Health indicator",
    "na_item": "National accounts indicator (ESA 2010)",
}
AGGREGATES = frozenset({"EU27_2020", "EU28", "EU27_2007", "EU15", "EA", "EA19", "EA20", "EA21", "EFTA"})

_COUNTRIES = """\
EU27_2020=European Union - 27 countries (from 2020)|EU28=European Union - 28 countries (2013-2020)
EA20=Euro area – 20 countries (from 2023)|BE=Belgium|BG=Bulgaria|CZ=Czechia|DK=Denmark|DE=Germany|EE=Estonia|IE=Ireland
EL=Greece|ES=Spain|FR=France|HR=Croatia|IT=Italy|CY=Cyprus|LV=Latvia|LT=Lithuania|LU=Luxembourg|HU=Hungary|MT=Malta
NL=Netherlands|AT=Austria|PL=Poland|PT=Portugal|RO=Romania|SI=Slovenia|SK=Slovakia|FI=Finland|SE=Sweden|IS=Iceland
LI=Liechtenstein|NO=Norway|CH=Switzerland|UK=United Kingdom|BA=Bosnia and Herzegovina|ME=Montenegro|MK=North Macedonia
AL=Albania|RS=Serbia|TR=Türkiye|XK=Kosovo ("invented" remark with \\ and quotes)"""  # noqa: RUF001 - as in reality
_SMALL = {
    "freq": "A=Annual|S=Half-yearly, semester|Q=Quarterly|M=Monthly|W=Weekly|D=Daily",
    "unit": """\
PC=Percentage|NR=Number|RT=Rate|P_HTHAB=Per hundred thousand inhabitants|YR=Year|MIO_EUR=Million euro
EUR_HAB=Euro per inhabitant|THS_PER=Thousand persons|PCH_PRE=Percentage change on previous period""",
    "sex": "T=Total|M=Males|F=Females",
    "age": """\
TOTAL=Total|Y_LT1=Less than 1 year|Y1-4=From 1 to 4 years|Y5-9=From 5 to 9 years|Y10-14=From 10 to 14 years
Y15-19=From 15 to 19 years|Y20-24=From 20 to 24 years|Y25-34=From 25 to 34 years|Y35-44=From 35 to 44 years
Y45-54=From 45 to 54 years|Y55-64=From 55 to 64 years|Y65-74=From 65 to 74 years|Y75-84=From 75 to 84 years
Y_GE16=16 years or over|Y_GE18=18 years or over|Y_GE65=65 years or over|Y_GE85=85 years or over|UNK=Unknown""",
    "isced11": """\
TOTAL=All ISCED 2011 levels|ED0-2=Less than primary, primary and lower secondary education (levels 0-2)
ED3_4=Upper secondary and post-secondary non-tertiary education (levels 3 and 4)
ED5-8=Tertiary education (levels 5-8)|NRP=No response""",
    "quant_inc": """\
TOTAL=Total|QU1=First quintile|QU2=Second quintile|QU3=Third quintile|QU4=Fourth quintile|QU5=Fifth quintile""",
    "deg_urb": "TOTAL=Total|DEG1=Cities|DEG2=Towns and suburbs|DEG3=Rural areas",
    "levels": """\
TOTAL=Total|VG_G=Very good or good|VGOOD=Very good|GOOD=Good|FAIR=Fair|BAD=Bad|VBAD=Very bad|B_VB=Bad or very bad""",
    "lev_limit": "TOTAL=Total|SM_SEV=Some or severe|SEV=Severe|SM=Some|NONE=None",
    "c_birth": """\
TOTAL=Total|NAT=Reporting country|FOR=Foreign country|EU27_2020_FOR=EU27 countries (from 2020) except reporting country
NEU27_2020_FOR=Non-EU27 countries (from 2020) nor reporting country""",
    "na_item": """\
B1GQ=Gross domestic product at market prices|B1G=Value added, gross|P3=Final consumption expenditure
P5G=Gross capital formation|P6=Exports of goods and services|P7=Imports of goods and services""",
}
# Invented in the form of the real classifications: label, first characters, how many there are to choose from.
_LONG = {
    "icha11_hf": ("Financing scheme", "HF", 30),
    "icha11_hc": ("Function of care", "HC", 40),
    "facility": ("Facility", "HBED", 25),
    "indic_he": ("Health indicator", "HE", 60),
}


@cache
def positions(dimension: str) -> dict[str, str]:
    """{code: label} of a dimension (not `time`), in code-list order."""
    if dimension == "geo":
        return _parsed(_COUNTRIES) | _regions()
    if dimension == "icd10":
        return _causes()
    if dimension in _LONG:
        label, prefix, count = _LONG[dimension]
        # Counting up without leading zeros: 10 sorts before 2, so the list is out of the order of its codes.
        return {"TOTAL": "Total"} | {f"{prefix}{n}": f"{label} №{n} (invented)" for n in range(1, count + 1)}
    return _parsed(_SMALL[dimension])


def _parsed(text: str) -> dict[str, str]:
    return {
        code: label
        for code, _, label in (entry.partition("=") for entry in text.replace("\n", "|").split("|"))
    }


def _regions() -> dict[str, str]:
    """NUTS-like regions of every country, level after level: 3, 4 and 5 characters; extra-regio codes end in Z."""
    countries = [code for code in _parsed(_COUNTRIES) if len(code) == 2]
    nuts3 = [f"{major}{minor}" for major in range(110, 200, 10) for minor in range(1, 6)]
    levels = ("1", "2", "3", "Z"), ("11", "12", "13", "21", "22", "31", "ZZ"), nuts3
    tails = [(tail, country) for level in levels for tail in level for country in countries]
    return {f"{country}{tail[:3]}": f"Région inventée {country}{tail[:3]}" for tail, country in tails}


def _causes() -> dict[str, str]:
    """Chapters in the order of their importance, groups before single causes."""
    chapters = "CIJKABDEFGHLMNOPQRSV"
    groups = {
        f"{a}{n:02}-{a}{n + 9:02}": f"Group of causes {a}{n:02}" for a in chapters for n in range(0, 90, 10)
    }
    single = {f"{a}{n:02}": f"Cause {a}{n:02}" for a in chapters for n in range(100)}
    total = {"TOTAL": "Total", "A-R_V-Y": "All causes of death (A00-Y89) excluding S00-T98"}
    return total | {code: f"{label} (invented)" for code, label in (groups | single).items()}
