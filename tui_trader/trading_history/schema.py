"""The tables of `state.db`. Money and quantities are text: the shortest that gives the float."""

# Script n brings a database from version n to n + 1; a script that was released never changes.
MIGRATIONS = (
    """
    CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);

    CREATE TABLE orders (
        client_order_id TEXT PRIMARY KEY,
        instruction_id TEXT NOT NULL UNIQUE,
        compose_id TEXT NOT NULL,
        symbol TEXT NOT NULL,
        side TEXT NOT NULL,
        quantity TEXT NOT NULL,
        reduce_only INTEGER NOT NULL,
        status TEXT NOT NULL,
        ts INTEGER NOT NULL,
        instruction TEXT NOT NULL,
        result TEXT
    );
    CREATE INDEX orders_open ON orders (ts) WHERE result IS NULL;

    -- Some venues count trades by symbol, so an id alone is not unique; seq is the booking order.
    CREATE TABLE fills (
        seq INTEGER PRIMARY KEY,
        trade_id TEXT NOT NULL,
        order_id TEXT NOT NULL,
        instruction_id TEXT NOT NULL,
        compose_id TEXT NOT NULL,
        symbol TEXT NOT NULL,
        side TEXT NOT NULL,
        quantity TEXT NOT NULL,
        price TEXT NOT NULL,
        fee TEXT NOT NULL,
        ts INTEGER NOT NULL,
        UNIQUE (symbol, trade_id)
    );

    CREATE TABLE history (
        seq INTEGER PRIMARY KEY,
        ts INTEGER NOT NULL,
        kind TEXT NOT NULL,
        reference_id TEXT NOT NULL,
        payload TEXT NOT NULL
    );
    CREATE INDEX history_by_kind ON history (kind, seq);
    CREATE INDEX history_by_reference ON history (reference_id, seq);

    CREATE TABLE equity (ts INTEGER PRIMARY KEY, value TEXT NOT NULL);

    CREATE TABLE risk_state (id INTEGER PRIMARY KEY CHECK (id = 1), state TEXT NOT NULL);

    CREATE TABLE portfolio (id INTEGER PRIMARY KEY CHECK (id = 1), view TEXT NOT NULL);
    """,
    """
    -- A call is written when it is begun and again when it has ended, in place of the first.
    CREATE TABLE calls (
        seq INTEGER PRIMARY KEY,
        compose_id TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        asked_at INTEGER NOT NULL,
        provider TEXT NOT NULL,
        model TEXT NOT NULL,
        outcome TEXT NOT NULL,
        error TEXT,
        token_usage TEXT NOT NULL,
        cost_usd TEXT,
        estimated INTEGER NOT NULL,
        latency_ms INTEGER,
        first_token_ms INTEGER,
        UNIQUE (compose_id, attempt, asked_at)
    );
    CREATE INDEX calls_by_time ON calls (asked_at);
    """,
    """
    ALTER TABLE calls ADD COLUMN answer TEXT NOT NULL DEFAULT '';
    ALTER TABLE calls ADD COLUMN reasoning TEXT NOT NULL DEFAULT '';
    """,
    """
    -- `record` is an order with all its steps, as it stands now. Orders of before have none: they
    -- are over.
    ALTER TABLE orders ADD COLUMN record TEXT;
    ALTER TABLE orders ADD COLUMN live INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX orders_live ON orders (ts) WHERE live;
    CREATE INDEX fills_by_order ON fills (order_id);

    CREATE TABLE funding (
        symbol TEXT NOT NULL,
        ts INTEGER NOT NULL,
        amount TEXT NOT NULL,
        PRIMARY KEY (symbol, ts)
    );
    """,
)
