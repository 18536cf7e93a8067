// Package matter is the heart of the hub: projects, matters and messages, and
// what applicants and officers do with them.
//
// A project (asiakashanke) holds what is asked once and its matters (asiointi),
// each with one authority. What a person can do is a method of Desk: it finds
// the matter as the asker, checks the right and the state, changes it, records
// the deed in the ledger and queues what must follow, all in one transaction.
// The applicant's page, the officer's page and, later, the authority's system
// call the same method.
//
// The states and moves are the table flow in flow.go. The status, who holds the
// matter, since when and until when are never set: they are folded from the
// ledger's entries by State.Apply, both when a deed is done and when the ledger
// is verified.
package matter
