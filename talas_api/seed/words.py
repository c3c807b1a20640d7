"""Words to make believable people, stations and talk from. Lists only; the table may be long."""

from __future__ import annotations


def _each(words: str) -> list[str]:
    return words.split()


FIRST = _each(
    "Ada Aino Amara Anders Anneke Aroha Aylin Benno Bilal Bruna Camille Carys Chidi Clara Dario "
    "Dafna Diego Edda Eino Elif Emeka Esther Farid Femke Finn Freya Gaspar Greta Hana Hannes Ilse "
    "Imani Ines Iris Ivo Jalila Jarno Joana Jonas Kaja Kemal Kira Lale Leandro Linnea Lotte Luca "
    "Maite Malik Marta Mateo Mira Nadia Naoki Nils Noor Odile Oskar Paloma Petra Quentin Rafael "
    "Rhea Rosa Runa Samir Sanna Selma Sofie Tariq Tess Thora Tomas Uma Vera Viggo Wanda Wim Yara "
    "Yusuf Zora Zeno"
)

LAST = _each(
    "Abara Ahlgren Almeida Arslan Bakker Barros Benali Berg Bianchi Brandt Castell Costa Dahl Daly "
    "Demir Dietz Duarte Eklund Eriksen Falk Farah Ferrer Fonseca Gallo Gruber Haddad Hakala Hansen "
    "Hartog Ibarra Ilic Jansen Kaya Keller Kimura Koski Kovac Lehto Lind Lopes Mancini Marek Mbeki "
    "Meyer Moreau Nagy Nakata Nkosi Nowak Okafor Olsen Ortiz Park Pereira Petrov Quist Rahman "
    "Reyes Ricci Roux Ruiz Sato Schulz Silva Solberg Stein Suzuki Tamm Tanaka Torres Urban Valdes "
    "Vega Virtanen Vos Weber Wolff Yilmaz Zeller Zimmer"
)

PLACES = _each(
    "Harbour Attic Lighthouse Courtyard Night Tram Riverside Orchard Rooftop Corner Meadow Signal "
    "Velvet Copper Paper Winter Northern Island Garden Station Amber Cedar Midnight Morning Glass "
    "Canal Summit Cabin Market Sunday"
)

KINDS = ("Radio", "FM", "Waves", "Sessions", "Sound", "Airwaves", "Mixtape", "Broadcast")

GENRES = (
    "slow jazz",
    "deep house",
    "old soul records",
    "field recordings",
    "ambient for late hours",
    "cumbia and its cousins",
    "string quartets",
    "garage rock",
    "dub and rocksteady",
    "new folk",
    "piano works",
    "synth pop from tapes",
    "afrobeat",
    "talk and stories",
    "brass bands",
    "minimal techno",
)

PROMISES = (
    "Every day from breakfast to midnight.",
    "No adverts, no shouting.",
    "Picked by hand, played in full.",
    "Live from a small room with good speakers.",
    "Requests are read, most are played.",
    "New every Thursday, repeated on Sunday.",
    "Run by three friends and one patient cat.",
    "Whole albums after ten at night.",
)

OPEN_ROOMS = (
    "Lobby",
    "Broadcasters' corner",
    "Gear talk",
    "What are you listening to?",
    "Record shopping",
    "Open decks",
    "Studio setups",
    "Introductions",
    "Late shift",
    "Ideas for the next show",
)

TITLE_FIRST = _each(
    "Blue Silver Distant Quiet Burning Hollow Second Golden Paper Electric Falling Northern Lost "
    "Salt Crooked Summer Borrowed Velvet Open Last"
)

TITLE_LAST = _each(
    "Rooms Tide Letters Engines Gardens Signal Avenue Hours Shadow Machines River Windows Ghosts "
    "Bicycle Harvest Mirrors Weather Staircase Lanterns Parade"
)

GEAR = (
    "that old mixer",
    "the ribbon mic",
    "a second turntable",
    "my USB interface",
    "the tape deck",
    "the new encoder",
    "a phone stand and a prayer",
    "the compressor on the master",
)

OPENERS = (
    "evening everyone",
    "good morning from {city}",
    "hello room",
    "just tuned in, what did I miss?",
    "back after a week away",
    "first time here, this is lovely",
    "hi all, working late again",
    "made it in time for once",
)

REMARKS = (
    "{title} still gets me every time",
    "that transition into {title} was so smooth",
    "who is playing {title}? I need to buy it",
    "the bass on {title} shakes my whole desk",
    "I had forgotten how good {title} is",
    "turning it up for {title}",
    "never heard {title} on any station before",
    "{title} into this one, brave choice, it works",
    "my neighbour just knocked to ask what {title} was",
    "please play {title} again before the end",
    "listening from {city}, the sound is clear as glass",
    "this is exactly the right music for rain",
    "the kids are dancing in the kitchen",
    "is there a playlist for this hour?",
    "I could listen to {genre} all night",
    "more {genre} please",
    "did the volume just drop or is it me?",
    "no drop here, all good in {city}",
    "the stream has been steady all week, thank you",
    "switched to the opus stream, uses half the data on my phone",
    "what did you use for this set, {gear}?",
    "we recorded this with {gear}, glad it holds up",
    "taping over the squeaky fader helped more than {gear}",
    "see you all on Thursday",
    "that was the best hour of radio this month",
    "goodnight from {city}",
)

REPLIES = (
    "@{name} same here",
    "@{name} it is from the second album, I think",
    "@{name} thank you!",
    "@{name} I asked that last week, nobody knew",
    "@{name} welcome, pull up a chair",
    "@{name} yes, and the live version is even better",
    "@{name} try {gear}, it changed everything for me",
    "@{name} agreed, {title} was the moment",
    "@{name} haha, true",
    "@{name} it will be in the archive tomorrow",
    "@{name} which part of {city} are you in?",
    "@{name} not this time, sorry",
)

CITIES = _each(
    "Lisbon Turku Porto Ghent Leipzig Lyon Bergen Krakow Izmir Tallinn Bilbao Utrecht Graz Aarhus "
    "Galway Nantes Trieste Malmo Valencia Dundee Accra Dakar Montevideo Valparaiso Hobart Dunedin"
)
