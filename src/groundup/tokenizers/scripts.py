"""Which script a character is written in: Latin, Greek, Han, or Common (digits, signs, spaces).

Source: Unicode Standard Annex #24; that a piece holds one script only, and that Japanese counts as
one, is Kudo and Richardson's (2018).
"""

import regex

COMMON, INHERITED = 1, -2
"""Numbers for characters of any script, and for marks, which are of the script they stand on."""

_NAMES = """
Common Latin Greek Cyrillic Armenian Hebrew Arabic Syriac Thaana Devanagari Bengali Gurmukhi
Gujarati Oriya Tamil Telugu Kannada Malayalam Sinhala Thai Lao Tibetan Myanmar Georgian Hangul
Ethiopic Cherokee Canadian_Aboriginal Ogham Runic Khmer Mongolian Han Bopomofo Yi Old_Italic
Gothic Deseret Tagalog Hanunoo Buhid Tagbanwa Limbu Tai_Le Linear_B Ugaritic Shavian Osmanya
Cypriot Braille Buginese Coptic New_Tai_Lue Glagolitic Tifinagh Syloti_Nagri Old_Persian
Kharoshthi Balinese Cuneiform Phoenician Phags_Pa Nko Sundanese Lepcha Ol_Chiki Vai Saurashtra
Kayah_Li Rejang Lycian Carian Lydian Cham Tai_Tham Tai_Viet Avestan Egyptian_Hieroglyphs Samaritan
Lisu Bamum Javanese Meetei_Mayek Imperial_Aramaic Old_South_Arabian Inscriptional_Parthian
Inscriptional_Pahlavi Old_Turkic Kaithi Batak Brahmi Mandaic Chakma Meroitic_Cursive
Meroitic_Hieroglyphs Miao Sharada Sora_Sompeng Takri Caucasian_Albanian Bassa_Vah Duployan
Elbasan Grantha Pahawh_Hmong Khojki Linear_A Mahajani Manichaean Mende_Kikakui Modi Mro
Old_North_Arabian Nabataean Palmyrene Pau_Cin_Hau Old_Permic Psalter_Pahlavi Siddham Khudawadi
Tirhuta Warang_Citi Ahom Anatolian_Hieroglyphs Hatran Multani Old_Hungarian SignWriting Adlam
Bhaiksuki Marchen Newa Osage Tangut Masaram_Gondi Nushu Soyombo Zanabazar_Square Dogra
Gunjala_Gondi Hanifi_Rohingya Makasar Medefaidrin Old_Sogdian Sogdian Elymaic Nandinagari
Nyiakeng_Puachue_Hmong Wancho Chorasmian Dives_Akuru Khitan_Small_Script Yezidi Cypro_Minoan
Old_Uyghur Tangsa Toto Vithkuqi Kawi Nag_Mundari
"""


def scripts(characters: str) -> dict[str, int]:
    """A number for each character's script, equal for characters of one script.

    Hiragana, Katakana and Han have one number, as Japanese mixes them. What is of none of the
    scripts of Unicode 15, or of no script at all, counts as `COMMON`.
    """
    numbers = dict.fromkeys(characters, COMMON)
    names = _NAMES.split()
    left = "".join(numbers)
    for number, name in enumerate(names, start=COMMON):
        numbers |= dict.fromkeys(regex.findall(rf"\p{{Script={name}}}", left), number)
    japanese = regex.findall(r"[\p{Script=Hiragana}\p{Script=Katakana}ー]", left)
    numbers |= dict.fromkeys(japanese, COMMON + names.index("Han"))
    return numbers | dict.fromkeys(regex.findall(r"\p{Script=Inherited}", left), INHERITED)
