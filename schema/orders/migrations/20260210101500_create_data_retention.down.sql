DROP TABLE data_retention;
