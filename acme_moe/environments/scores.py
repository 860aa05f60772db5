"""Scores of a random agent and of people, and human-normalised scores.

Sources:

* The 57 games of the usual benchmark: Wang et al. (2016), "Dueling Network
  Architectures for Deep Reinforcement Learning", appendix, whose random agent and
  professional tester started after up to 30 no-ops; as collected in `atari_data.py`
  of google-deepmind/dqn_zoo. The earlier table of Mnih et al. (2015) differs a little.
* AirRaid, Carnival, ElevatorAction, JourneyEscape and Pooyan, which are in the suite of
  60 but not among the 57: Kim et al. (2024), "Investigating Pre-Training Objectives for
  Generalization in Vision-Based Reinforcement Learning", `src/envs/atari.py` of
  dojeon-ai/Atari-PB. It says that its author played these games, not how often, so
  they are rougher than the others. No other source of human scores was found.

Scores are returns of whole games of at most 108,000 frames, rewards not clipped.
"""

from __future__ import annotations

from typing import NamedTuple

_WANG_2016 = "Wang et al. (2016)"
_KIM_2024 = "Kim et al. (2024)"


class Score(NamedTuple):
    """Returns that a game's score is normalised by.

    Attributes:
      random: return of an agent whose actions are sampled uniformly.
      human: return of a person.
      source: publication that both are from.
    """

    random: float
    human: float
    source: str

    def normalize(self, episode_return: float) -> float:
        """Scales a return so that a random agent's is 0 and a person's is 1."""
        return (episode_return - self.random) / (self.human - self.random)


def _read(table: str, source: str) -> dict[str, Score]:
    """Reads lines of a game's name, its random and its human score."""
    rows = (line.split() for line in table.strip().splitlines())
    return {game: Score(float(low), float(high), source) for game, low, high in rows}


# game, random, human
_TABLE_57 = """
    Alien                227.8   7127.7
    Amidar                 5.8   1719.5
    Assault              222.4    742.0
    Asterix              210.0   8503.3
    Asteroids            719.1  47388.7
    Atlantis           12850.0  29028.1
    BankHeist             14.2    753.1
    BattleZone          2360.0  37187.5
    BeamRider            363.9  16926.5
    Berzerk              123.7   2630.4
    Bowling               23.1    160.7
    Boxing                 0.1     12.1
    Breakout               1.7     30.5
    Centipede           2090.9  12017.0
    ChopperCommand       811.0   7387.8
    CrazyClimber       10780.5  35829.4
    Defender            2874.5  18688.9
    DemonAttack          152.1   1971.0
    DoubleDunk           -18.6    -16.4
    Enduro                 0.0    860.5
    FishingDerby         -91.7    -38.7
    Freeway                0.0     29.6
    Frostbite             65.2   4334.7
    Gopher               257.6   2412.5
    Gravitar             173.0   3351.4
    Hero                1027.0  30826.4
    IceHockey            -11.2      0.9
    Jamesbond             29.0    302.8
    Kangaroo              52.0   3035.0
    Krull               1598.0   2665.5
    KungFuMaster         258.5  22736.3
    MontezumaRevenge       0.0   4753.3
    MsPacman             307.3   6951.6
    NameThisGame        2292.3   8049.0
    Phoenix              761.4   7242.6
    Pitfall             -229.4   6463.7
    Pong                 -20.7     14.6
    PrivateEye            24.9  69571.3
    Qbert                163.9  13455.0
    Riverraid           1338.5  17118.0
    RoadRunner            11.5   7845.0
    Robotank               2.2     11.9
    Seaquest              68.4  42054.7
    Skiing            -17098.1  -4336.9
    Solaris             1236.3  12326.7
    SpaceInvaders        148.0   1668.7
    StarGunner           664.0  10250.0
    Surround             -10.0      6.5
    Tennis               -23.8     -8.3
    TimePilot           3568.0   5229.2
    Tutankham             11.4    167.6
    UpNDown              533.4  11693.2
    Venture                0.0   1187.5
    VideoPinball       16256.9  17667.9
    WizardOfWor          563.5   4756.5
    YarsRevenge         3092.9  54576.9
    Zaxxon                32.5   9173.3
"""

# A uniformly random agent in this environment (default settings, seed 0) had these
# means and standard errors: AirRaid 566 +- 34 and Carnival 723 +- 31 over 100 games,
# Pooyan 436 +- 27 over 73, JourneyEscape -20,019 +- 1,063 over 58. Of 20 games of
# ElevatorAction, 16 scored nothing and three 35,000 or more, so its random score is
# mostly noise, and human-normalised scores of that game mean little.
_TABLE_OTHERS = """
    AirRaid             579.25   3325.0
    Carnival             700.8  22870.0
    ElevatorAction      4387.0   6750.5
    JourneyEscape     -19977.0   1129.3
    Pooyan               371.2   3004.3
"""

SCORES: dict[str, Score] = {
    **_read(_TABLE_57, _WANG_2016),
    **_read(_TABLE_OTHERS, _KIM_2024),
}
"""Random and human scores of every game with published ones."""
