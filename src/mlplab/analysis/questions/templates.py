"""The texts of answers: templates with named values, so that they can be translated."""

from __future__ import annotations

NO_ANSWER = "No answer yet: no seed is {done} for {whom}."
ALL_OF = "all of {names}"
UNDECIDABLE = (
    "Undecidable with {seeds}: whatever they had shown, it could not have reached p ≤ "
    "{level}{corrected}; {fewest} seeds could."
)
CORRECTED_FOR = " once corrected for {times}"
WHAT_WAS_SEEN = "{start} What was seen: {seen}."
WITH_EVIDENCE = "{answer} ({level} {interval}; {seeds}, {test}, {p} for {tested})."

INTERVAL = "95% interval"
INTERVAL_OF_SEVERAL = "simultaneous 95% interval over {times}"
EXCLUDES_NOTHING = "that excludes nothing"
NO_FINITE_LIMIT = "without a finite limit"
EMPTY = "that is empty"
FROM_TO = "{low} to {high}"

PAIR = {
    "supported": "Yes: {seen}",
    "supported by a margin": "Yes: {seen}, beyond the {asked} asked for",
    "same": "No, neither way: {alike}",
    "as same": "Yes: {alike}",
    "not same": "No: {seen}, beyond the {within} allowed",
    "opposite": "No, the opposite: {seen}",
    "not by the margin": "No: the {phrase} {first} is not {word} than that {second} by as much as "
    "{asked}; the difference is {effect}",
    "open": "Not decided: {seen}, and the interval {holds}{more}",
}
ALIKE = "the {phrase} {first} and {second} differ by less than {within}; the difference is {effect}"
HOLDS_BOTH_SIDES_OF_WITHIN = "holds less and more than {within}"
HOLDS_BOTH_SIDES = "holds more and less than {bound}"
HOLDS_ZERO = "does not exclude that there is no difference"
SEEN = {
    "mean": "the {phrase} {first} is {amount} {word} than that {second}",
    "median": "the {phrase} {first} is in the median {amount} {word} than that {second}",
    "tied": "the {phrase} {first} equals that {second} in every seed",
    "zero mean": "the {phrase} {first} is the same as that {second} as far as shown",
    "zero median": "the {phrase} {first} is in the median the same as that {second} as far as shown",
    "unknown": "in most seeds neither {one} nor {other} has a {phrase} that could be told apart",
    "never": "{worse} mostly never gets to {target}, while {better} does",
    "diverges": "{worse} mostly diverges, while {better} does not",
}

LEVEL = {
    "yes": "Yes: {seen}, which is {side} {number}",
    "opposite": "No, the opposite: {seen}, which is {side} {number}",
    "as same": "Yes: {seen}, less than {within} from {number}",
    "same": "No, neither way: {seen}, less than {within} from {number}",
    "not same": "No: {seen}, more than {within} from {number}",
    "open": "Not decided: {seen}, and the interval does not exclude {number} itself{more}",
    "open within": "Not decided: {seen}, and the interval holds less and more than {within} from "
    "{number}{more}",
    "diverges": "{verdict}: {seen}{more}",
}
LEVEL_SEEN = {
    "mean": "on average the {phrase} of {name} is {value}",
    "median": "in the median the {phrase} of {name} is {value}",
    "tied": "the {phrase} of {name} is {number} in every seed",
    "diverges": "{name} mostly diverges",
}

TREND = {
    "rises": "Yes: the {phrase} rises along {order} ({evidence}).{ends}",
    "falls": "Yes: the {phrase} falls along {order} ({evidence}).{ends}",
    "rises instead": "No, the opposite: the {phrase} rises along {order} ({evidence}).{ends}",
    "falls instead": "No, the opposite: the {phrase} falls along {order} ({evidence}).{ends}",
    "open": "Not decided: the {phrase} shows no clear order along {order}{more} ({evidence}).{ends}",
}
TREND_EVIDENCE = "{test}, {seeds}, {p} for {tested}"
TREND_ENDS = " From end to end, {seen} ({level} {interval})."

RANKING = {
    "one best": "{best}: it has the best average rank in {phrase}, {rank} of {count}, and is told "
    "apart from every other ({evidence}); {apart} of {pairs} pairs are told apart.",
    "several": "{best} or {others}: {ranks}, and {best} is not told apart from {others} "
    "({evidence}); {apart} of {pairs} pairs are told apart.",
    "no pairs": "They differ: {ranks} ({evidence}), but none of {pairs} pairs could be told apart "
    "after Holm's correction.",
    "open": "Not decided: no difference in {phrase} between the {count} {what} is shown "
    "({evidence}); {ranks}{more}.",
}
RANKS = {
    "one": "{best} has the best average rank in {phrase}, {rank} of {count}",
    "tied": "{leaders} share the best average rank in {phrase}, {rank} of {count}",
    "all tied": "all have the same average rank",
}

TESTED = {
    "rising": "a rise along them",
    "falling": "a fall along them",
    "different": "any difference",
    "above zero": "a {what} above 0",
    "below zero": "a {what} below 0",
    "above": "a {what} above {bound}",
    "below": "a {what} below {bound}",
    "within": "a {what} within ±{amount}",
    "beyond": "a {what} beyond ±{amount}",
}
TESTED_LEVEL = {
    "above": "a {what} above {number}",
    "below": "a {what} below {number}",
    "within": "a {what} within {amount} of {number}",
    "beyond": "a {what} beyond {amount} from {number}",
}
ABOUT_SEEDS = "; about {seeds} seeds would probably decide"
NO_NUMBER = "; {why}"
