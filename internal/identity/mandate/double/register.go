package double

import (
	"slices"
	"strings"
	"sync"
	"time"

	"luvat/internal/identity/pic"
)

// A Party is a person or a company.
type Party struct {
	Person  pic.Code
	Company pic.BusinessID
}

// Person and Company make parties.
func Person(c pic.Code) Party         { return Party{Person: c} }
func Company(id pic.BusinessID) Party { return Party{Company: id} }

// Kind is what joins two parties.
type Kind string

// The kinds: what registers say, and the mandates of Suomi.fi-valtuudet.
const (
	Role           Kind = "role"           // To is Matter (TJ, NIMKO …) of From, by the trade register
	Guardian       Kind = "guardian"       // To has the custody of From
	Transaction    Kind = "transaction"    // asiointivaltuus: To may act for From
	Representation Kind = "representation" // edustamisvaltuus: To may use what From was given
	Granting       Kind = "granting"       // valtuutusoikeus: To may give mandates of From. No right by itself
	RepGranting    Kind = "rep_granting"   // edustajan valtuutusoikeus: To may make others represent From. No right by itself
)

// A Mandate is what joins two parties: what From gave To, or is To's to From.
type Mandate struct {
	Kind   Kind
	From   Party
	To     Party
	Matter string    // the URI of the matter, or the code of a role
	Until  time.Time // when it ends; the zero time for never
}

// A Register is the people, companies and mandates that the double knows. They
// may be added and ended while it runs.
type Register struct {
	mu       sync.Mutex
	names    map[Party]string
	order    []Party
	mandates []Mandate
}

// NewRegister makes an empty register.
func NewRegister() *Register { return &Register{names: map[Party]string{}} }

// Name makes a party known, or gives it another name.
func (r *Register) Name(p Party, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.names[p]; !known {
		r.order = append(r.order, p)
	}
	r.names[p] = name
}

// Add gives a mandate.
func (r *Register) Add(m Mandate) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mandates = append(r.mandates, m)
}

// End ends a mandate, whatever its end was, and tells whether there was one.
func (r *Register) End(m Mandate) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(r.mandates)
	r.mandates = slices.DeleteFunc(r.mandates, func(other Mandate) bool {
		other.Until = m.Until
		return other == m
	})
	return len(r.mandates) < before
}

// parties lists all who are known.
func (r *Register) parties() []Party {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.order)
}

// known tells whether a party is in the register, and its name.
func (r *Register) known(p Party) (string, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	name, ok := r.names[p]
	return name, ok
}

// valid lists the mandates that hold at a time.
func (r *Register) valid(now time.Time) []Mandate {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.mandates), func(m Mandate) bool { return !m.Until.IsZero() && !now.Before(m.Until) })
}

// An organisation is a company as a person sees it.
type organisation struct {
	Name       string   `json:"name"`
	Identifier string   `json:"identifier"`
	Complete   bool     `json:"complete"`
	Roles      []string `json:"roles"`
}

// organisations returns the companies in which a person has a role or a matter.
//
// A chain is person ─(Representation)─► authority ─(Transaction)─► granting
// body, both of the same matter; it shows as the matter at one of the two. A
// Representation alone shows nowhere: there is nothing to represent in.
func (r *Register) organisations(person pic.Code, now time.Time, shows Shows, incomplete bool) []organisation {
	roles := map[Party][]string{}
	add := func(p Party, role string) {
		if !slices.Contains(roles[p], role) {
			roles[p] = append(roles[p], role)
		}
	}
	valid := r.valid(now)
	for _, m := range valid {
		if m.To.Person != person || m.From.Company == "" {
			continue
		}
		switch m.Kind {
		case Role:
			if roles[m.From] == nil {
				roles[m.From] = []string{}
			}
			if !incomplete {
				add(m.From, m.Matter)
			}
		case Transaction:
			add(m.From, m.Matter)
		case Representation:
			for _, given := range valid {
				if given.Kind == Transaction && given.To == m.From && given.Matter == m.Matter && given.From.Company != "" {
					add(shown(shows, m.From, given.From), m.Matter)
				}
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	all := []organisation{}
	for _, p := range r.order {
		if list, ok := roles[p]; ok {
			all = append(all, organisation{r.names[p], string(p.Company), !incomplete, list})
		}
	}
	return all
}

func shown(s Shows, authority, principal Party) Party {
	if s == Authority {
		return authority
	}
	return principal
}

// delegators returns the people for whom a person may do anything.
func (r *Register) delegators(person pic.Code, now time.Time) (all []Party) {
	for _, m := range r.valid(now) {
		if m.To.Person == person && !m.From.Person.IsZero() && (m.Kind == Guardian || m.Kind == Transaction) && !slices.Contains(all, m.From) {
			all = append(all, m.From)
		}
	}
	slices.SortStableFunc(all, func(a, b Party) int {
		nameA, _ := r.known(a)
		nameB, _ := r.known(b)
		return strings.Compare(nameA, nameB)
	})
	return all
}

// allowed decides as the rules do: not, unless a rule allows it. A guardian may;
// others may in every matter that is asked about, and in none if none is. Whether
// the real rules want all the matters or one is not settled.
func (r *Register) allowed(person, principal pic.Code, matters []string, now time.Time) bool {
	guardian, holds := false, map[string]bool{}
	for _, m := range r.valid(now) {
		if m.To.Person != person || m.From.Person != principal {
			continue
		}
		guardian = guardian || m.Kind == Guardian
		if m.Kind == Transaction {
			holds[m.Matter] = true
		}
	}
	if guardian {
		return true
	}
	return len(matters) > 0 && !slices.ContainsFunc(matters, func(m string) bool { return !holds[m] })
}

// matters lists in what a person may act for another.
func (r *Register) matters(person, principal pic.Code, now time.Time) []string {
	all := []string{}
	for _, m := range r.valid(now) {
		if m.To.Person == person && m.From.Person == principal && m.Kind == Transaction {
			all = append(all, m.Matter)
		}
	}
	return all
}
