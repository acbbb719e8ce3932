"""What is in use when a database is disposed of is closed when it is given back, not leaked."""

from __future__ import annotations

import gc
import sqlite3

import pytest
from sqlalchemy import text

from wasteflow_models.engine import Database


def test_a_connection_given_back_after_dispose_is_closed(db: Database) -> None:
    with db.connection() as connection:
        connection.execute(text("SELECT 1"))
        driver = connection.connection.driver_connection
        assert driver is not None
        db.dispose()
        connection.execute(text("SELECT 1"))  # whoever is at work goes on
    if isinstance(driver, sqlite3.Connection):
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            driver.execute("SELECT 1")
    else:
        assert driver.closed
    with db.read() as session:  # and the database can be used again
        assert session.execute(text("SELECT 1")).scalar_one() == 1
        again = session.connection().connection.driver_connection
    db.dispose()
    del driver, again
    gc.collect()
