"""Shadows: functions, operators, types and relations called like the server's own, in every place a session could look.

Here: making them, and reading from the server's log which were used. Each of them fails when it is used, and the log names
it even where the error is caught. Names are those that occur in the text of our SQL, and whatever else the caller adds.
"""

import ast
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor  # noqa: N812

import eurostat_assets

PACKAGE = Path(eurostat_assets.__file__).parent
# `"$user"` of the default path is a schema called like the role; one of them is a reader's own.
SCHEMAS = ("public", "postgres", "eurostat_owner", "eurostat_loader", "eurostat_reader")
# What columns and parameters of ours have, and the literals that psycopg2 writes.
TYPES = (
    "text", "name", "character varying", "smallint", "integer", "bigint", "numeric", "double precision", "boolean", "oid",
    "regclass", "date", "timestamp without time zone", "timestamp with time zone", "interval", "jsonb", "text[]", "bigint[]",
)  # fmt: skip
COMPARING = ("=", "<>", "<", "<=", ">", ">=", "~~")
CALCULATING = ("||", "+", "-", "*", "/", "%", "#", "&", "^")
SHADOWED = re.compile(r"SHADOWED (\w+) (.+)")
STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]*): (.*?)(?=\n\d{4}-\d\d-\d\d |\Z)", re.DOTALL)
CALL = re.compile(r"\b([a-z_][a-z0-9_]*)\s*\(")
QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")

CALLED = """
CREATE SCHEMA trap;
GRANT USAGE ON SCHEMA trap TO PUBLIC;
CREATE FUNCTION trap.used(kind text, what text) RETURNS bool LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'SHADOWED % %', kind, what; END $$;
"""
# Where any type may stand, text does.
FUNCTIONS = """
SELECT DISTINCT proname, array(
    SELECT CASE typtype WHEN 'p' THEN 'text' ELSE format_type(one, NULL) END
    FROM unnest(proargtypes) WITH ORDINALITY AS u (one, place) JOIN pg_type ON pg_type.oid = one ORDER BY place),
    CASE WHEN result.typtype = 'p' THEN 'text' ELSE format_type(prorettype, NULL) END
FROM pg_proc JOIN pg_type AS result ON result.oid = prorettype
WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY(%s)
  AND NOT EXISTS (SELECT FROM unnest(proargtypes) AS one JOIN pg_type ON pg_type.oid = one
                  WHERE typtype = 'p' AND typname !~ '^any')
"""
KNOWN = "SELECT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace"
RELATIONS = """
SELECT relname, array_agg(attname::text ORDER BY attnum) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
JOIN pg_type ON pg_type.oid = atttypid
WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind IN ('r', 'v') AND relname = ANY(%s)
  AND attnum > 0 AND typtype <> 'p' GROUP BY relname
"""
# In pg_temp nobody is found by name but relations and types, and those before all others.
LOGIN = """
CREATE FUNCTION trap.login() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS
    $$ BEGIN {} END $$;
CREATE EVENT TRIGGER login ON login EXECUTE FUNCTION trap.login();
"""


def words() -> set[str]:
    """Return every word in the migrations, and in any string of the package that is no docstring."""
    texts = [path.read_text() for path in PACKAGE.rglob("*.sql")]
    for path in PACKAGE.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text())))
        prose = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        strings = (node for node in nodes if isinstance(node, ast.Constant) and id(node) not in prose)
        texts += [node.value for node in strings if isinstance(node.value, str)]
    return {word for text in texts for word in re.findall(r"[a-z_][a-z0-9_]*", text)}


def make(cursor: Cursor, names: set[str]) -> set[str]:
    """Make the shadows of the functions, types and relations in `names`, and of operators; return the functions' names."""
    cursor.execute("SET search_path = pg_catalog; SET log_statement = none")
    cursor.execute(CALLED)
    cursor.execute(FUNCTIONS, (list(names),))
    functions = {(name, tuple(arguments)): result for name, arguments, result in cursor.fetchall()}
    for (name, arguments), result in list(functions.items()):
        # Better matches than the server's own: the same number of arguments, each of the type that a call may have.
        for kind in TYPES if 1 <= len(arguments) <= 3 else ():
            functions.setdefault((name, (kind,) * len(arguments)), result)
    cursor.execute("SELECT typname FROM pg_type WHERE typnamespace = 'pg_catalog'::regnamespace AND typrelid = 0"
                   " AND typtype IN ('b', 'r') AND typname = ANY(%s) AND typname !~ '^_'", (list(names),))  # fmt: skip
    types = [name for (name,) in cursor.fetchall()]
    cursor.execute(RELATIONS, (list(names),))
    relations = dict(cursor.fetchall())
    for schema in SCHEMAS:
        cursor.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {0}; GRANT USAGE ON SCHEMA {0} TO PUBLIC").format(
            sql.Identifier(schema)))  # fmt: skip
        statements = [*_functions(schema, functions), *_operators(schema), *_relations(schema, relations)]
        cursor.execute(sql.SQL(";").join([*statements, *_types(schema, types)]))
    temporary = sql.SQL(";").join([*_relations("pg_temp", relations), *_types("pg_temp", types), sql.SQL("")])
    cursor.execute(sql.SQL(LOGIN).format(temporary))
    return {name for name, _ in functions}


def _functions(schema: str, functions: dict[tuple[str, tuple[str, ...]], str]) -> Iterator[sql.Composable]:
    for (name, arguments), result in functions.items():
        yield sql.SQL(
            "CREATE FUNCTION {}({}) RETURNS {} LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM trap.used('function', {}); RETURN NULL; END $$"
        ).format(
            sql.Identifier(schema, name),
            sql.SQL(", ".join(arguments)),
            sql.SQL(result),
            sql.Literal(f"{schema}.{name}"),
        )


def _operators(schema: str) -> Iterator[sql.Composable]:
    pairs = {(one, one) for one in TYPES}
    for one, other in product(TYPES, ("text", "integer", "double precision")):
        pairs |= {(one, other), (other, one)}
    for (left, right), calculates in product(sorted(pairs), (False, True)):
        result = (
            (right if left in ("text", "integer", "double precision") else left) if calculates else "bool"
        )
        function = sql.Identifier(schema, "calculated" if calculates else "compared")
        yield sql.SQL(
            "CREATE FUNCTION {}({}) RETURNS {} LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM trap.used('operator', {}); RETURN NULL; END $$"
        ).format(
            function, sql.SQL(f"{left}, {right}"), sql.SQL(result), sql.Literal(f"{schema}({left},{right})")
        )
        for operator in CALCULATING if calculates else COMPARING:
            yield sql.SQL("CREATE OPERATOR {}.{} (FUNCTION = {}, LEFTARG = {}, RIGHTARG = {})").format(
                sql.Identifier(schema), sql.SQL(operator), function, sql.SQL(left), sql.SQL(right)
            )


def _relations(schema: str, relations: dict[str, list[str]]) -> Iterator[sql.Composable]:
    for name, columns in relations.items():
        yield sql.SQL("CREATE VIEW {} AS SELECT {} FROM {} WHERE trap.used('relation', {})").format(
            sql.Identifier(schema, name),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.Identifier("pg_catalog", name),
            sql.Literal(f"{schema}.{name}"),
        )
        yield sql.SQL("GRANT SELECT ON {} TO PUBLIC").format(sql.Identifier(schema, name))


def _types(schema: str, types: list[str]) -> Iterator[sql.Composable]:
    """Types that no value of ours is of: what is cast to one fails."""
    for name in types:
        yield sql.SQL("CREATE TYPE {} AS ENUM ({})").format(
            sql.Identifier(schema, name), sql.Literal(f"SHADOWED type {schema}.{name}")
        )


def used(log: str) -> set[tuple[str, str]]:
    """Return (kind, name) of every shadow that the server's log says was used, or was in the way of a statement."""
    errors = "\n".join(line for line in log.splitlines() if "ERROR:  " in line)
    wrong_types = {("type", found) for found in re.findall(r"input value for enum (\S+?):", errors)}
    return set(SHADOWED.findall(errors)) | wrong_types


def calls(log: str) -> set[str]:
    """Return the words before a parenthesis in the statements of the server's log, quoted text left out."""
    return {
        name for statement in STATEMENT.findall(log) for name in CALL.findall(QUOTED.sub("''", statement))
    }
