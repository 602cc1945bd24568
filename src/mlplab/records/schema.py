"""The tables of the records, as SQL."""

VERSION = 1
"""Raised when the tables change; older records are then brought up to date, newer ones refused."""

APPLICATION_ID = 0x6D6C7000
"""Marks a SQLite file as mlplab's ("mlp" and a zero)."""

TABLES = """
CREATE TABLE environment (      -- versions and hardware
    id INTEGER PRIMARY KEY,
    facts TEXT NOT NULL UNIQUE  -- JSON object
);
CREATE TABLE study (            -- every resolved study that was run here; the last is the current
    id INTEGER PRIMARY KEY,
    resolved TEXT NOT NULL,     -- JSON
    precision TEXT NOT NULL,
    device TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    environment INTEGER NOT NULL REFERENCES environment
);
CREATE TABLE member (           -- which content a name and seed stood for when last run
    network TEXT NOT NULL,
    seed INTEGER NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (network, seed)
) WITHOUT ROWID;
CREATE TABLE stack (            -- the plan: written before training, finished or not
    id TEXT PRIMARY KEY,
    place INTEGER NOT NULL,
    threads INTEGER NOT NULL,
    precision TEXT NOT NULL,
    device TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('planned', 'finished', 'failed')),
    log TEXT                    -- of a failure
);
CREATE TABLE stack_member (
    stack TEXT NOT NULL REFERENCES stack ON DELETE CASCADE,
    place INTEGER NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (stack, place)
) WITHOUT ROWID;
CREATE TABLE run (              -- one finished network and seed
    key TEXT PRIMARY KEY,
    content TEXT NOT NULL,      -- JSON: everything that decides the result
    seed INTEGER NOT NULL,
    layers TEXT NOT NULL,       -- JSON: units from input to output
    steps TEXT NOT NULL,        -- JSON: the evaluated steps
    diverged_at INTEGER,
    stopped_at INTEGER NOT NULL,
    seconds REAL NOT NULL,
    evaluation TEXT,            -- JSON, NULL when diverged
    stack TEXT NOT NULL,        -- weights/<stack>.safetensors
    environment INTEGER NOT NULL REFERENCES environment,
    finished_at TEXT NOT NULL
);
CREATE TABLE curve (
    key TEXT NOT NULL REFERENCES run ON DELETE CASCADE,
    split TEXT NOT NULL,
    metric TEXT NOT NULL,
    value TEXT NOT NULL,        -- JSON: one number an evaluated step, null where not measured
    PRIMARY KEY (key, split, metric)
);
"""

QUESTIONS = """
CREATE TABLE IF NOT EXISTS question (  -- what was asked, written before training
    digest TEXT PRIMARY KEY,           -- of all that decides the answer, not of the wording
    asked TEXT NOT NULL,               -- JSON
    asked_at TEXT NOT NULL,
    after_results INTEGER NOT NULL,    -- 1 where some of its networks were finished by then
    seeds INTEGER NOT NULL             -- that its networks had by then
)
"""
"""Records of an earlier mlplab lack it, and get it when they are next written to."""

LOOKS = """
CREATE TABLE IF NOT EXISTS look (      -- how often a question was judged, and at which level
    digest TEXT NOT NULL,
    seeds INTEGER NOT NULL,            -- that it was judged with
    level REAL NOT NULL,               -- the chance of a false verdict that this look took
    made_at TEXT NOT NULL,
    PRIMARY KEY (digest, seeds, level)
) WITHOUT ROWID
"""
"""As `QUESTIONS`, later."""

SEALS = """
CREATE TABLE IF NOT EXISTS seal (      -- of everything that a finished run left
    key TEXT PRIMARY KEY,
    digest TEXT NOT NULL               -- SHA-256 of its row, its curves and its weights
) WITHOUT ROWID
"""
CHAIN = """
CREATE TABLE IF NOT EXISTS chain (     -- what was recorded, each with the hash of all before it
    place INTEGER PRIMARY KEY,
    what TEXT NOT NULL,                -- study, question or results
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    hash TEXT NOT NULL
)
"""
