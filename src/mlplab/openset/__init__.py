"""Open-set recognition: detectors of unknown classes, thresholds and measures.

Arrays in, arrays out: the activations may come from mlplab, torch or scikit-learn. Everywhere a
higher score means more unknown.

    from mlplab.openset.detectors.registry import make
    from mlplab.openset.threshold import calibrate

    detector = make("nearest neighbours", k=10)
    fitted = detector.fit(training_activations, training_labels)
    threshold = calibrate(fitted.score(calibration_activations), reject_at_most=0.05)
    rejected = threshold.rejects(fitted.score(new_activations))
    print(threshold.guarantee)

`activations` holds a network's outputs for rows; `detectors` turn them into scores; `threshold`
turns scores into a decision; `auroc`, `oscr`, `rejection`, `absorption`, `risk_coverage` and
`openness` measure; `intervals` says how sure a measure is; `health` has
diagnostics of scores; `ledger` keeps rows that may influence something apart from those that are
only tested.
"""
