-- Run once by the postgres image on an empty volume: Dagster's own storage beside the mirror's database.
CREATE DATABASE dagster;
