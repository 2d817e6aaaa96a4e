package ddl
type Node interface{}
func Parse(sql string)(Node,error){return nil,nil}
