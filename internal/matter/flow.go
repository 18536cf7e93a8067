package matter

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"luvat/internal/db"
	"luvat/internal/ledger"
)

// Status is where a matter stands. The values are stored and never change;
// what people read comes from the catalogue and the offer.
type Status string

// The statuses.
const (
	Draft       Status = "draft"
	Sent        Status = "sent"
	Pending     Status = "pending"     // vireillä: the authority has made it pending
	InHandling  Status = "in_handling" // käsittelyssä
	ToComplete  Status = "to_complete" // täydennettävänä
	Completed   Status = "completed"   // completion sent, back with the authority
	Finished    Status = "finished"
	Withdrawn   Status = "withdrawn"
	Dismissed   Status = "dismissed"   // jätetty tutkimatta
	Transferred Status = "transferred" // to another authority
)

// Statuses lists all statuses in the order of the flow.
var Statuses = []Status{Draft, Sent, Pending, InHandling, ToComplete, Completed, Finished, Withdrawn, Dismissed, Transferred}

// Open tells whether the matter is with somebody: sent and not ended.
func (s Status) Open() bool { return s != Draft && !s.Ended() }

// Ended tells whether nothing more is done in the matter.
func (s Status) Ended() bool {
	return slices.Contains([]Status{Finished, Withdrawn, Dismissed, Transferred}, s)
}

// Holder is who has the ball.
type Holder string

// The holders. Exactly one holds a matter at any instant.
const (
	HeldByApplicant Holder = "applicant"
	HeldByAuthority Holder = "authority"
	HeldByOther     Holder = "other_authority"
	HeldByNobody    Holder = "nobody"
)

// The deeds that the ledger holds of a matter: stored, never change.
const (
	DeedStarted        = "matter.started"
	DeedConsented      = "matter.consented"
	DeedConsentEnded   = "matter.consent_ended"
	DeedSent           = "matter.sent"
	DeedPending        = "matter.pending"
	DeedTaken          = "matter.taken" // into handling
	DeedHandlerNamed   = "matter.handler_named"
	DeedHandlerLeft    = "matter.handler_left" // the role ended and nobody was named
	DeedIdentified     = "matter.identified"
	DeedRedirected     = "matter.notices_redirected"
	DeedAsked          = "matter.completion_asked"
	DeedCompleted      = "matter.completed"
	DeedFinished       = "matter.finished"
	DeedWithdrawn      = "matter.withdrawn"
	DeedDismissed      = "matter.dismissed"
	DeedTransferred    = "matter.transferred"
	DeedMessage        = "matter.message"
	DeedStatementAsked = "matter.statement_asked"
	DeedStatementGiven = "matter.statement_given"
	DeedShared         = "matter.shared" // with another authority of the project
	DeedSharingEnded   = "matter.sharing_ended"
	DeedNoticeHanded   = "notice.handed_over" // accepted by the mail server
	DeedNoticeOpened   = "notice.opened"
	DeedDeputyTold     = "notice.deputy_told"
	DeedDraftRemoved   = "matter.draft_removed"
	DeedProjectStarted = "project.started"
	DeedInvited        = "project.invited"
	DeedRevoked        = "project.invitation_revoked"
	DeedJoined         = "project.member_joined"
	DeedMemberLeft     = "project.member_left"
	DeedMemberRole     = "project.member_role"
)

// A move is a deed that changes the status.
type move struct {
	deed string
	from []Status
	to   Status
	by   ledger.Side
}

// flow is the table of states: who may do what when. Buttons, checks and the
// documents read it; testdata/flow.golden shows it printed.
var flow = []move{
	{DeedSent, []Status{Draft}, Sent, ledger.Applicant},
	{DeedPending, []Status{Sent}, Pending, ledger.Authority},
	{DeedTaken, []Status{Sent, Pending, Completed}, InHandling, ledger.Authority},
	{DeedAsked, []Status{Sent, Pending, InHandling, Completed}, ToComplete, ledger.Authority},
	{DeedCompleted, []Status{ToComplete}, Completed, ledger.Applicant},
	{DeedFinished, []Status{Pending, InHandling, Completed, ToComplete}, Finished, ledger.Authority},
	{DeedWithdrawn, []Status{Sent, Pending, InHandling, ToComplete, Completed}, Withdrawn, ledger.Applicant},
	{DeedDismissed, []Status{Sent, Pending, InHandling, ToComplete, Completed}, Dismissed, ledger.Authority},
	{DeedTransferred, []Status{Sent, Pending, InHandling, Completed}, Transferred, ledger.Authority},
}

// holders says who holds a matter of each status, unless a statement has been
// asked from another authority.
var holders = map[Status]Holder{
	Draft: HeldByApplicant, Sent: HeldByAuthority, Pending: HeldByAuthority, InHandling: HeldByAuthority,
	ToComplete: HeldByApplicant, Completed: HeldByAuthority,
	Finished: HeldByNobody, Withdrawn: HeldByNobody, Dismissed: HeldByNobody, Transferred: HeldByOther,
}

// CanDo tells whether the side may do the deed to a matter of this status.
func CanDo(deed string, from Status, by ledger.Side) bool {
	for _, m := range flow {
		if m.deed == deed {
			return m.by == by && slices.Contains(m.from, from)
		}
	}
	return false
}

// deedData is what the entries of a matter's stream may hold: identifiers,
// statuses, times and hashes only.
type deedData struct {
	To         Status `json:"to,omitempty"`
	Offer      string `json:"offer,omitempty"`
	Form       string `json:"form,omitempty"`
	Submission string `json:"submission,omitempty"`
	N          int64  `json:"n,omitempty"`
	Hash       string `json:"hash,omitempty"`
	Due        int64  `json:"due,omitempty"` // unix milliseconds
	Authority  string `json:"authority,omitempty"`
	Person     string `json:"person,omitempty"`
	Role       string `json:"role,omitempty"`
	Outcome    string `json:"outcome,omitempty"`
	Message    string `json:"message,omitempty"`
	Thread     string `json:"thread,omitempty"`
	Request    string `json:"request,omitempty"`
	Notice     string `json:"notice,omitempty"`
	Follows    string `json:"follows,omitempty"`
	Entry      int64  `json:"entry,omitempty"`
	Audience   string `json:"audience,omitempty"`
	For        string `json:"for,omitempty"`   // the principal on whose behalf
	Limit      string `json:"limit,omitempty"` // the class of the statutory time limit that a sending settled
}

// State is what the ledger says of a matter.
type State struct {
	Status                   Status
	StatusAt                 time.Time
	Outcome                  string
	Holder                   Holder
	Since                    time.Time // the holder holds it since
	Due                      time.Time // and until; zero when no date binds
	Other                    string    // the other authority, when it holds the matter
	Started                  time.Time // start of handling
	LimitClass               string    // of the statutory time limit, as the last sending that settled it did
	LimitAt                  time.Time // and when that was
	N                        int64     // the last entry folded in
	ByApplicant, ByAuthority int64     // the last entry of each side
}

// Apply folds the next entry of the matter's stream into the state.
func (s *State) Apply(e ledger.Entry) error {
	if e.N != s.N+1 {
		return fmt.Errorf("%w: number %d after %d", ledger.ErrBroken, e.N, s.N)
	}
	var d deedData
	if err := json.Unmarshal(e.Data, &d); err != nil {
		return fmt.Errorf("read entry %d: %w", e.N, err)
	}
	s.N = e.N
	switch e.Side {
	case ledger.Applicant, ledger.OtherAuthority:
		if e.Deed != DeedShared && e.Deed != DeedSharingEnded { // nothing new to the one that has it all
			s.ByApplicant = e.N
		}
	case ledger.Authority:
		if e.Deed != DeedRedirected && (e.Deed != DeedMessage || d.Thread == ApplicantThread) {
			s.ByAuthority = e.N
		}
	}
	switch e.Deed {
	case DeedStarted:
		s.Status, s.StatusAt = Draft, e.Time()
		s.hold(HeldByApplicant, e.Time(), time.Time{}, "")
	case DeedStatementAsked:
		s.hold(HeldByOther, e.Time(), db.Time(d.Due), d.Authority)
	case DeedStatementGiven:
		if s.Holder == HeldByOther && !s.Status.Ended() {
			s.hold(holders[s.Status], e.Time(), time.Time{}, "")
		}
	default:
		return s.move(e, d)
	}
	return nil
}

func (s *State) move(e ledger.Entry, d deedData) error {
	i := slices.IndexFunc(flow, func(m move) bool { return m.deed == e.Deed })
	if i < 0 {
		return nil // a deed that moves nothing
	}
	if !slices.Contains(flow[i].from, s.Status) {
		return fmt.Errorf("%w: entry %d does %s to a matter that is %s", ledger.ErrBroken, e.N, e.Deed, s.Status)
	}
	s.Status, s.StatusAt = flow[i].to, e.Time()
	if e.Deed == DeedFinished {
		s.Outcome = d.Outcome
	}
	if d.Limit != "" {
		s.LimitClass, s.LimitAt = d.Limit, e.Time()
	}
	if s.Started.IsZero() && (s.Status == Pending || s.Status == InHandling) {
		s.Started = e.Time()
	}
	due, other := time.Time{}, ""
	if s.Holder == HeldByOther && holders[s.Status] == HeldByAuthority {
		return nil // a statement is still waited for
	}
	if e.Deed == DeedAsked {
		due = db.Time(d.Due)
	}
	if e.Deed == DeedTransferred {
		other = d.Authority
	}
	if h := holders[s.Status]; h != s.Holder || !due.Equal(s.Due) || other != s.Other {
		s.hold(h, e.Time(), due, other)
	}
	return nil
}

func (s *State) hold(h Holder, since, due time.Time, other string) {
	if s.Holder != h || s.Other != other {
		s.Since = since
	}
	s.Holder, s.Due, s.Other = h, due, other
}

// Fold computes the state from a whole stream.
func Fold(entries []ledger.Entry) (State, error) {
	var s State
	for _, e := range entries {
		if err := s.Apply(e); err != nil {
			return s, err
		}
	}
	return s, nil
}
