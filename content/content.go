// Package content holds what the hub says and offers: facts, matter types,
// forms and surveys, as plain files that a content editor changes without
// touching the program. The files are built into the program, so a version
// of the program always carries the content it was tested with.
//
// # What an editor edits
//
//	municipalities.csv    the municipalities and the authorities that serve each
//	authorities.csv       the authorities; the id never changes, the name may
//	catalogue-rows.csv    the procedures the matter types must cover, with sources
//	territory.json        where each type of authority may offer its matters
//	entities.json         the service entities: event, production plant, renewable energy
//	kinds.json            kinds of matter, their outcomes, and the words of the statuses
//	matters.json          the matter types: when needed, deadline, law, form
//	acts.json             the one table of acts: what each is called in three languages
//	limits.json           the statutory time limits of service entities
//	forms/<id>/           one form: schema.json, ui.json, words.json
//	surveys/<id>.json     one permit-need survey: questions, rules, advice
//	demo/joins.json       which authority offers what in the demonstration
//	demo/people.json      the invented people of the demonstration
//	demo/mandates.json    for whom they may act, as Suomi.fi-valtuudet would say
//	demo/projects.json    their projects: stories told by real deeds
//	demo/files/           maps and texts that the stories attach
//
// Ids and stored values are never renamed: old matters refer to them.
// Every text a person reads is in Finnish, Swedish and English; none may be
// empty. After an edit run the tests of this package: they name the file and
// the id of whatever does not hold together.
//
// # Certain and uncertain
//
// A mark says how well a fact is known. Marks of a matter type: "certain"
// (the matter was seen in the original service or its law), "candidate"
// (public guides name it), "inferred" (an act names it, nobody has confirmed
// the matter), "ours" (our proposal). Marks of a deadline: "certain",
// "local" (one municipality's rule), "advised" (a handling time, not a
// limit of the law), "proposed" (ours). Marks of a law: "certain",
// "inferred", "general" (general knowledge, to be checked). A mark is changed
// only together with the source beside it. A deadline that is not certain has
// a note, which is shown with it.
//
// A deadline counts back from what "before" names: the start of the event,
// the start of the activity, the start of the work that makes the noise, or the
// wished time of an inspection. A matter type without a deadline has "timing",
// words to show instead. A rule of a survey that knows better than its matter
// type says a "deadline" of its own; of all that called for a matter the
// strictest rules.
//
// # Law
//
// Rules, advice and matter types name what they rest on as "sources" or
// "basis": {"act": "530/1999", "sections": ["2", "14"]}, with "chapter" and
// "annex" where there is one, or {"page": "poliisi.fi"}. The act stands in
// acts.json by its number, as it is called within a sentence; what has no
// number, such as the landowner's permission, stands there by a word. The
// sentence, "Lagen om sammankomster 530/1999, 2 och 14 §", is made of it.
//
// # From the survey into the forms
//
// An answer of a survey "gives" to forms what it says word for word: to a term
// of the data dictionary, {"term": "event.indoor_outdoor", "value":
// "outdoors"}, or to a field of one form, {"form": "lvv-alcohol", "field":
// "route", "value": "notice_on_approved_area"}. Lists of several answers are
// joined; where answers differ, and where one gives no value, the field is left
// to be asked. Give only what means exactly the same: 500–1,999 people is no
// number. A question stands "beside" a field that is near to it; the form then
// shows what was answered.
//
// # Statutory time limits
//
// A limit is shared by all authorities of a project. It says which matter
// types it covers; facts, each a yes or no that the first known term of the
// project's common data tells; and laws, each with the day from which it holds
// and its classes. The first class of which all facts of one list hold says
// how many months the limit is; 0 is no limit. The last class always holds. A
// class that is not certain is shown with "check", which sends the reader to
// the contact point authority. "survey" says what an answer of the permit-need
// survey tells of a term. A law that changes is a new entry with its day and
// new classes; the old one stays, because what began under it goes on by it.
// The ledger names classes by "<law>/<class>".
//
// # Where a matter is offered
//
// A state agency that has joined offers its matter in every municipality of
// mainland Finland, whatever its own office's territory. All others offer
// only what they have joined, in the municipalities of the authority, or in
// the fewer ones that the join lists. The municipalities of Åland
// (is_aland = 1) are outside the service. A join may be limited to some
// service entities. A matter type that is "not_sent" is kept by the organiser
// and cannot be joined.
//
// In Uusimaa prehospital emergency care belongs to the HUS Group, which is
// not among the authorities here; so the demonstration does not let the City
// of Helsinki receive first-aid plans, and they go with the rescue plan.
//
// # Versions
//
// A survey carries its version, the day it was taken into use, and each rule
// the day from which it holds. A result keeps the version it was made with and
// can be made again. A draft keeps the form it was begun with; so a field may
// be added, hidden or made optional, but its name and the stored values of its
// choices keep their meaning for good. A field with a new meaning gets a new
// name.
package content

import "embed"

// FS holds every content file under the path that the package comment names.
//
//go:embed *.csv *.json all:demo all:forms all:surveys
var FS embed.FS
