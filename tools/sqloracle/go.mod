module github.com/kedgedb/kedge/tools/sqloracle

go 1.26.0

require (
	github.com/kedgedb/kedge v0.0.0
	github.com/pganalyze/pg_query_go/v6 v6.2.5
)

require google.golang.org/protobuf v1.36.11 // indirect

replace github.com/kedgedb/kedge => ../..
