"""The few words the sandbox knows in French and German: enough to see that `lang` changes labels and nothing else."""

from __future__ import annotations

LANGUAGES = ("en", "fr", "de")
_WORDS = {
    "fr": {
        "Invented: ": "Inventé : ",
        "Time frequency": "Fréquence (relative au temps)",
        "Unit of measure": "Unité de mesure",
        "Sex": "Sexe",
        "Age class": "Classe d'âge",
        "Geopolitical entity (reporting)": "Entité géopolitique (déclarante)",
        "Time": "Temps",
        "Annual": "Annuel",
        "Total": "Total",
        "Males": "Hommes",
        "Females": "Femmes",
    },
    "de": {
        "Invented: ": "Erfunden: ",
        "Time frequency": "Zeitliche Frequenz",
        "Unit of measure": "Maßeinheit",
        "Sex": "Geschlecht",
        "Age class": "Altersklasse",
        "Geopolitical entity (reporting)": "Geopolitische Meldeeinheit",
        "Time": "Zeit",
        "Annual": "Jährlich",
        "Total": "Insgesamt",
        "Males": "Männer",
        "Females": "Frauen",
    },
}


def translated(text: str, language: str) -> str:
    """The text in another language as far as it is known: whole, or at least its mark of being invented."""
    words = _WORDS.get(language, {})
    if text.startswith("Invented: ") and words:
        return words["Invented: "] + text.removeprefix("Invented: ")
    return words.get(text, text)
