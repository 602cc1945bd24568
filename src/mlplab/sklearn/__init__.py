"""Estimators for scikit-learn: a classifier, a regressor, and a search that trains all together.

This package is what scikit-learn's users import; it is named after the interface that it has.
"""

from mlplab.sklearn.estimators import MLPClassifier, MLPRegressor
from mlplab.sklearn.search import MLPSearchCV

__all__ = ["MLPClassifier", "MLPRegressor", "MLPSearchCV"]
