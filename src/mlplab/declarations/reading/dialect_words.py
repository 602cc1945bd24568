"""What other libraries and course files call the settings of a study."""

from __future__ import annotations

_KEYS = {
    "hidden": "hidden hidden_sizes hidden_layer_sizes hidden_layers hidden_units hidden_dims hiddens "
    "hidden_nodes units_per_layer n_units hidden_neurons",
    "width": "units hidden_dim hidden_size width size_hidden layer_size neurons",
    "depth": "num_layers n_layers depth num_hidden num_hidden_layers n_hidden_layers layers",
    "sizes": "layer_sizes sizes dims layer_dims architecture",
    "activation": "activation activation_fn activation_func activation_function act act_fn nonlinearity",
    "dropout": "dropout dropout_rate dropout_prob dropout_p drop_rate drop_prob p_dropout",
    "optimizer.name": "optimizer optim optimiser solver optimizer_name",
    "optimizer.learning_rate": "lr learning_rate learning_rate_init base_lr initial_lr eta "
    "lr_rate step_length",
    "optimizer.weight_decay": "weight_decay l2 l2_reg l2_lambda l2_penalty wd alpha",
    "optimizer.momentum": "momentum sgd_momentum",
    "optimizer.beta1": "beta1 beta_1",
    "optimizer.beta2": "beta2 beta_2",
    "betas": "betas",
    "optimizer.decay": "rho",
    "optimizer.epsilon": "eps epsilon adam_epsilon",
    "optimizer.schedule": "lr_schedule lr_scheduler scheduler learning_rate_schedule schedule",
    "training.epochs": "epochs epoch num_epochs n_epochs max_epochs nb_epoch nb_epochs "
    "num_train_epochs training_epochs max_iter",
    "training.steps": "steps max_steps num_steps n_steps iterations n_iterations num_iterations "
    "max_iterations training_steps train_steps total_steps",
    "training.batch_size": "batch_size bs batchsize train_batch_size minibatch_size "
    "mini_batch_size",
    "training.evaluate_every": "evaluate_every eval_every eval_interval evaluation_interval "
    "test_interval test_every",
    "training.early_stopping": "early_stopping early_stop patience early_stopping_patience "
    "n_iter_no_change early_stop_patience",
    "training.diagnostics": "diagnostics",
    "data.name": "data dataset dataset_name data_name dataset_id",
    "data.validation": "val_split validation_split val_size valid_size validation_size "
    "validation_fraction val_fraction val_ratio validation_ratio valid_split val_frac validation",
    "data.test": "test_size test_split test_fraction test_ratio",
    "data.scaling": "normalize normalise normalization scaler scale scaling",
    "standardize": "standardize standardise",
    "data.classes": "classes",
    "objective.name": "loss loss_fn loss_function criterion",
    "initial_weights.distribution": "kernel_initializer initializer weight_init init "
    "initialization weight_initialization",
    "seed": "seed random_state random_seed manual_seed rng_seed torch_seed",
    "seeds": "seeds n_runs num_runs runs repeats n_seeds num_seeds n_repeats repetitions trials",
}


def folded(key: str) -> str:
    """A key without letter case and separators."""
    return "".join(sign for sign in key[:100].casefold() if sign.isalnum())


SETTINGS = {folded(key): path for path, keys in _KEYS.items() for key in keys.split()}
"""Keys of others → the setting that they are, by its dotted path."""
CONVERTED = frozenset(
    key
    for key, path in SETTINGS.items()
    if path in ("seed", "betas", "standardize", "width", "depth", "sizes")
)
"""Keys whose value must be turned into another, so that they are never only renamed."""
KINDS = frozenset({"type", "classname", "target", "kind", "cls", "name", "algorithm"})
"""Keys under which others say which class an object is of."""
_SECTIONS = (
    "model network mlp net arch architecture trainer train fit training_args training_params "
    "hyperparameters hparams params parameters args kwargs config data_loader dataloader "
    "data_module datamodule datasets experiment module compile model_config train_config "
    "hyperparams model_params loader"
)
CONTAINERS = frozenset(folded(key) for key in _SECTIONS.split())
"""Sections of others' files; what is known in them is told."""

_REASONS = {
    "the number of inputs follows from the data": "input_dim input_size in_features input_shape "
    "num_features n_features n_inputs num_inputs batch_input_shape input_units",
    "there are as many outputs as classes": "num_classes n_classes output_dim output_size "
    "out_features output_units n_outputs num_outputs nclasses",
    "accuracy and loss are always recorded": "metrics metric monitor",
    "--device on the command line says where": "device cuda use_cuda gpu gpus n_gpu accelerator "
    "devices use_gpu",
    "--precision on the command line says it": "amp mixed_precision precision fp16",
    "batches are always drawn in a new order": "shuffle",
    "results lie in a folder that --out names": "save_dir output_dir out_dir log_dir checkpoint_dir "
    "checkpoint save_path logdir checkpoint_path",
    "it changes no result here": "num_workers n_workers verbose verbosity log_interval log_every "
    "log_every_n_steps pin_memory tensorboard use_wandb wandb project progress_bar n_jobs "
    "save_period save_top_k download data_dir dataset_path warm_start",
    "no optimizer here has it": "nesterov amsgrad nesterovs_momentum tol dampening",
}
LEFT_OUT = {folded(key): reason for reason, keys in _REASONS.items() for key in keys.split()}
"""Keys of others that are no settings here, and why."""

LEARNING_RATES = {"adam": 0.001, "adamw": 0.001, "rmsprop": 0.001, "sgd": 0.01, "adagrad": 0.01}
"""The usual rate of each optimizer, where none is given."""

_ACTIVATIONS = {
    "relu": "relu", "leakyrelu": "leaky_relu", "lrelu": "leaky_relu", "tanh": "tanh",
    "sigmoid": "sigmoid", "logistic": "sigmoid", "gelu": "gelu", "identity": "identity",
    "linear": "identity", "silu": "silu", "swish": "silu", "selu": "selu", "elu": "elu",
    "mish": "mish", "softplus": "softplus", "prelu": "prelu",
}  # fmt: skip
_OPTIMIZERS = {name: name for name in ("sgd", "adam", "adamw", "rmsprop", "adagrad")}
_SETS = {
    "digits": "digits", "mnist": "mnist", "fashionmnist": "fashion-mnist", "kmnist": "kmnist",
    "kuzushijimnist": "kmnist", "loaddigits": "digits", "fmnist": "fashion-mnist",
}  # fmt: skip
_SCHEDULES = {
    "constant": "constant", "step": "step", "steplr": "step", "cosine": "cosine",
    "cosineannealing": "cosine", "cosineannealinglr": "cosine", "cosinedecay": "cosine",
    "constantlr": "constant",
}  # fmt: skip
_DISTRIBUTIONS = {
    "uniform": "uniform", "normal": "normal", "glorot": "glorot", "xavier": "glorot", "he": "he",
    "lecun": "lecun", "orthogonal": "orthogonal",
    "kaiming": "he",
}  # fmt: skip
_OBJECTIVES = {
    "crossentropy": "cross_entropy", "crossentropyloss": "cross_entropy", "nll": "cross_entropy",
    "categoricalcrossentropy": "cross_entropy", "sparsecategoricalcrossentropy": "cross_entropy",
    "nllloss": "cross_entropy", "logloss": "cross_entropy", "mse": "mse", "mseloss": "mse",
    "meansquarederror": "mse", "squarederror": "mse", "mae": "mae", "l1loss": "mae",
    "meanabsoluteerror": "mae", "absoluteerror": "mae", "huber": "huber", "huberloss": "huber",
    "pinball": "pinball", "quantile": "pinball",
}  # fmt: skip
WORDS: dict[tuple[str, ...], dict[str, str]] = {
    ("activation",): _ACTIVATIONS,
    ("optimizer", "name"): _OPTIMIZERS,
    ("optimizer", "schedule", "name"): _SCHEDULES,
    ("objective", "name"): _OBJECTIVES,
    ("initial_weights", "distribution"): _DISTRIBUTIONS,
    ("data", "name"): _SETS,
}
"""By the path of a setting: names of others, folded → the name here."""
