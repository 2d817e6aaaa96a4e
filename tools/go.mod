module github.com/kedgedb/kedge/tools

go 1.26.0
