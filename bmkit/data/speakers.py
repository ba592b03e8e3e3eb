"""Who speaks in which recording of the spoken digits: the parcel does not say it, it is inferred here, and frozen.

The recordings come from six people, each of whom said each digit fifty times, and lie in an arbitrary order. A mixture
of six Gaussians finds the people; that each has fifty recordings of each digit settles the doubtful ones. Groups 0, 1,
2 and 4 are told apart with certainty; about 26 recordings may have changed places between groups 3 and 5.
"""

import numpy as np

__all__ = ["GROUPS", "PEOPLE", "inferred_speakers", "utterance_numbers"]

PEOPLE = 6
AXES = 24  # principal components kept: with 12 to 32, 95 to 98 % of the pairs of recordings are grouped alike
# What `inferred_speakers` gave, by recording, in the order of the parcel. Frozen: another computer's last bits would
# move a recording or two between groups 3 and 5.
GROUPS = """
1502555214301411140421444531410334553525203203231352223411234114041243501143543554524405203303300250
4445532541453051214034411434211232215332332002253553301454413544112404141341102552551020350251415231
4544043531454015305214341302340033232224212443404114351415430451523542030404032251453540341553414143
4140214242223230303425410314525034101355434044254131514520053242525040444113144352541304541513042303
0222423232341502431454412140453354521431525130230223032051412513453325154044214541205143432234232223
0032440315103145425354134141440450254255205520441141431414454103535324513400331322025223321443141012
1344100523544405155503514003211203053041155350442500453412143113401424133252220321303031544352355443
0141143411414402055255223023034234344201435041150450211255443550022300312052320524412400442403440512
4535331425322030030223241335553404215423404042140445232502023013022534005211453542014051504102343424
4303302223202223354434314011201405455534150435354122203032323520250520034104324410445404033142353502
3200000023205353304241350441440430420014325205022532503302245321055343514055451410210344143453322220
3302225020144341443455330512534450415403233022455205232205214340402441101314255053504045020232232020
4050450555241331140120444120345023252055224233030214455402143533554504343414410202250233033222034201
4043404243453410210545352410450300302225202523440430242304135515314235045412030322223030421535405124
1353501425043424042325022520203003054514250135443520142434340404410223022330230503354153140414234201
1003521025453041210203402502050554112404132142514012350553012123503220330230332152103553004132124151
4023142143055022050403201140322545012001534102241341340145353053205002523331435412011210453351042034
1555233012402205505025502011514231204105353140405123012302302002302032105043213041350521314052411021
5520050550220432103555224143053301015421102314341322530205352350202011214314150341522553110105354402
3301225035205505142541032120115235401205301443203200303023024103435042103251501120142324155055020535
2210330420145353011255514302145341121102200523350353025034122401354102314552012304135150104001023502
5502053240410514221432140125123330145053030522330035033541053212102411243524142301405020555203020104
0153051211403550224135014104234213050253302504555153112134151402555204134031552410342321353405123414
2251251132121315011005435514205052330341221043233505024150015345031121323112154141522352130453132234
4201513051443302502415543121115315550524545013551213041145142045341550510250112041340323512552225413
4111132533100515055111420343211324310241350113335500112311451522145221525304331402511001205335145454
2041111403125351405515355504140253152311141210015413013505130245123224035113115241245412245055142032
0015531134232343131100235302415501454222544231111133323042521402313505141031052011141321150241350545
5531255135045055151142011123145011025305333441314231235235403113231122053415241420505514334530011320
3443302155100145345505402415250221431311231043532215323413331440353501254101132111520411554053515025
""".split()  # noqa: SIM905 - lines of a hundred recordings


def utterance_numbers(frames: list[np.ndarray], digits: np.ndarray) -> np.ndarray:
    """Describe each recording by 79 numbers, standardised within its digit so that the word itself falls out.

    Args:
        frames: each recording's coefficients, shape (time, 13).
        digits: what is said, shape (recordings,).

    Returns:
        Mean, standard deviation, least, largest, first and last of each coefficient, and the length; shape
        (recordings, 79), mean 0 and standard deviation 1 within each digit.

    Example:
        >>> rows = [np.arange(26.0).reshape(2, 13), np.ones((3, 13)), np.zeros((4, 13))]
        >>> utterance_numbers(rows, np.zeros(3, int)).shape
        (3, 79)
    """
    numbers = np.array(
        [np.r_[x.mean(0), x.std(0), x.min(0), x.max(0), x[0], x[-1], len(x)] for x in frames], dtype=float
    )
    for digit in np.unique(digits):
        rows = digits == digit
        spread = numbers[rows].std(axis=0)
        numbers[rows] = (numbers[rows] - numbers[rows].mean(axis=0)) / np.where(spread, spread, 1.0)
    return numbers


def _settled(likelihoods: np.ndarray, digits: np.ndarray) -> np.ndarray:
    """Give each group its equal share of each digit, with the largest sum of log-likelihoods (recordings, groups)."""
    from scipy.optimize import linear_sum_assignment

    groups = np.zeros(len(digits), int)
    for digit in np.unique(digits):
        rows = np.flatnonzero(digits == digit)
        share = len(rows) // PEOPLE
        _, seats = linear_sum_assignment(-np.repeat(likelihoods[rows], share, axis=1))
        groups[rows] = seats // share
    return groups


def inferred_speakers(frames: list[np.ndarray], digits: np.ndarray) -> np.ndarray:
    """Infer who speaks: a Gaussian mixture of six, then equal shares, and Gaussians again until nobody moves.

    Args:
        frames: each recording's coefficients, shape (time, 13).
        digits: what is said, shape (recordings,); each digit is there as often for each of the six.

    Returns:
        The group of each recording, 0 to 5, in an arbitrary order of the groups.

    Reference:
        Reynolds and Rose (1995), Robust text-independent speaker identification using Gaussian mixture speaker models,
        https://doi.org/10.1109/89.365379
    """
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    x = PCA(AXES, random_state=0).fit_transform(utterance_numbers(frames, digits))
    mixture = GaussianMixture(PEOPLE, covariance_type="tied", n_init=8, random_state=0, reg_covar=1e-3).fit(x)
    means = mixture.means_
    inverse = np.linalg.inv(mixture.covariances_)
    groups = np.full(len(x), -1)
    for _ in range(20):  # seven are enough
        apart = x[:, np.newaxis] - means  # (recordings, groups, axes)
        moved = _settled(-0.5 * np.einsum("nki,ij,nkj->nk", apart, inverse, apart), digits)
        if (moved == groups).all():
            break
        groups = moved
        means = np.array([x[groups == group].mean(axis=0) for group in range(PEOPLE)])
        within = x - means[groups]
        inverse = np.linalg.inv(within.T @ within / len(x) + 1e-3 * np.eye(AXES))
    return groups
