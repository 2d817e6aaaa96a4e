package catalog

// The ranks of kinds: the reading order of objects that do not depend on each
// other. Parts of a table are ordered among themselves by the second group.
const (
	rankRole = iota * 10
	rankDatabase
	rankSchema
	rankExtension
	rankLanguage
	rankCollation
	rankType
	rankDomain
	rankConversion
	rankForeignDataWrapper
	rankServer
	rankUserMapping
	rankFunction
	rankOperator
	rankOperatorFamily
	rankOperatorClass
	rankCast
	rankTransform
	rankAccessMethod
	rankTextSearch
	rankAggregate
	rankSequence
	rankTable
	rankView
	rankMaterializedView
	rankPublication
	rankSubscription
	rankEventTrigger
	rankDefaultPrivileges
)

// Within a table's block.
const (
	rankColumn = 1000 + iota*10
	rankIdentity
	rankDefault
	rankPrimaryKey
	rankConstraint
	rankForeignKey
	rankIndex
	rankStatistics
	rankPartition
	rankRule
	rankTrigger
	rankPolicy
)
