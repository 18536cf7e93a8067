package officer

import (
	"context"
	"net/url"
	"slices"
	"time"

	"github.com/a-h/templ"

	"luvat/internal/fail"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/matter"
	"luvat/internal/web/site"
)

// A deed is what an officer can do to a matter: an address to post to, a form
// and a verb. Inputs are named as the verb's errors name their fields.
type deed struct {
	name  string // of the address POST …/<name>, of ?do= and of the hooks
	title string // keys of the words
	hint  string
	press string
	done  string
	takes []string // names of its form's inputs, besides _version and files
	files string   // name of the input for files, "" when there is none

	may   func(*matter.View) bool
	start func(*matter.View, time.Time) input // what the inputs hold at first
	do    func(context.Context, *matter.Desk, identity.Officer, string, input) error
	// typed names the inputs whose text must not be lost, with their labels.
	typed [][2]string
}

// can makes a check that asks the flow.
func can(name string) func(*matter.View) bool {
	return func(v *matter.View) bool { return !v.Guest && matter.CanDo(name, v.Status, ledger.Authority) }
}

func ours(v *matter.View) bool { return !v.Guest }

func sentToUs(v *matter.View) bool { return !v.Guest && v.Status != matter.Draft }

// deeds lists the deeds in the order in which a page offers them.
var deeds = []*deed{
	{
		name: "take", title: "officer.take", hint: "officer.take_hint", press: "officer.take_press", done: "officer.take_done",
		takes: []string{"email"},
		may:   can(matter.DeedTaken),
		do: func(ctx context.Context, d *matter.Desk, who identity.Officer, id string, in input) error {
			return d.Take(ctx, who, id, in.Get("email"))
		},
	},
	{
		name: "finish", title: "officer.finish", hint: "officer.finish_hint", press: "officer.finish_press", done: "officer.finish_done",
		takes: []string{"outcome", "text"}, files: "file",
		may: can(matter.DeedFinished), typed: [][2]string{{"text", "officer.finish_text"}},
		do: func(ctx context.Context, d *matter.Desk, who identity.Officer, id string, in input) error {
			return d.Finish(ctx, who, id, matter.Decision{Outcome: in.Get("outcome"), Text: in.Get("text"), Files: in.ids(), Seen: in.seen()})
		},
	},
	{
		name: "ask", title: "officer.ask", hint: "officer.ask_hint", press: "officer.ask_press", done: "officer.ask_done",
		takes: []string{"text", "due", "field"},
		may:   can(matter.DeedAsked), typed: [][2]string{{"text", "officer.ask_text"}},
		start: func(_ *matter.View, now time.Time) input {
			return input{Values: url.Values{"due": {now.In(i18n.Zone).AddDate(0, 0, 14).Format("2006-01-02")}}}
		},
		do: func(ctx context.Context, d *matter.Desk, who identity.Officer, id string, in input) error {
			due, err := in.day("due")
			if err != nil {
				return err
			}
			return d.AskCompletion(ctx, who, id, matter.Request{Fields: in.all("field"), Text: in.Get("text"), Due: due})
		},
	},
	{
		name: "message", title: "officer.write", hint: "officer.write_hint", press: "officer.write_press", done: "officer.write_done",
		takes: []string{"text"}, files: "file",
		may: ours, typed: [][2]string{{"text", "officer.message"}},
		do: func(ctx context.Context, d *matter.Desk, who identity.Officer, id string, in input) error {
			return d.WriteToApplicant(ctx, who, id, in.Get("text"), in.ids())
		},
	},
	{
		name: "pending", title: "officer.pending", hint: "officer.pending_hint", press: "officer.pending_press", done: "officer.pending_done",
		takes: []string{"identifier"},
		may:   can(matter.DeedPending), typed: [][2]string{{"identifier", "officer.identifier"}},
		do: func(ctx context.Context, d *matter.Desk, who identity.Officer, id string, in input) error {
			return d.MakePending(ctx, who, id, in.Get("identifier"))
		},
	},
	{
		name: "handler", title: "officer.name_handler", hint: "officer.name_handler_hint", press: "officer.name_handler_press", done: "officer.name_handler_done",
		takes: []string{"was", "handler"},
		may:   func(v *matter.View) bool { return sentToUs(v) && !v.Status.Ended() && len(v.Colleagues) > 0 },
		start: func(v *matter.View, _ time.Time) input {
			return input{Values: url.Values{"handler": {v.Handler}}}
		},
		do: func(ctx context.Context, d *matter.Desk, who identity.Officer, id string, in input) error {
			return d.NameHandler(ctx, who, id, in.Get("was"), in.Get("handler"))
		},
	},
	{
		name: "identifier", title: "officer.identify", hint: "officer.identify_hint", press: "officer.identify_press", done: "officer.identify_done",
		takes: []string{"was", "identifier"},
		may:   sentToUs, typed: [][2]string{{"identifier", "officer.identifier"}},
		start: func(v *matter.View, _ time.Time) input {
			return input{Values: url.Values{"identifier": {v.Identifier}}}
		},
		do: func(ctx context.Context, d *matter.Desk, who identity.Officer, id string, in input) error {
			return d.Identify(ctx, who, id, in.Get("was"), in.Get("identifier"))
		},
	},
	{
		name: "redirect", title: "officer.redirect", hint: "officer.redirect_hint", press: "officer.redirect_press", done: "officer.redirect_done",
		takes: []string{"email"},
		may:   sentToUs,
		start: func(v *matter.View, _ time.Time) input {
			return input{Values: url.Values{"email": {v.NoticeEmail}}}
		},
		do: func(ctx context.Context, d *matter.Desk, who identity.Officer, id string, in input) error {
			return d.Redirect(ctx, who, id, in.Get("email"))
		},
	},
	{
		name: "letter", title: "officer.letter", hint: "officer.letter_hint", press: "officer.letter_press", done: "officer.letter_done",
		takes: []string{"authority", "text", "ask_by"}, files: "file",
		may:   func(v *matter.View) bool { return sentToUs(v) && len(v.Others) > 0 },
		typed: [][2]string{{"text", "officer.message"}},
		do: func(ctx context.Context, d *matter.Desk, who identity.Officer, id string, in input) error {
			by, err := in.day("ask_by")
			if err != nil {
				return err
			}
			return d.WriteToAuthority(ctx, who, id, matter.Letter{To: in.Get("authority"), Text: in.Get("text"), Files: in.ids(), AskBy: by})
		},
	},
	{
		name: "dismiss", title: "officer.dismiss", hint: "officer.dismiss_hint", press: "officer.dismiss_press", done: "officer.dismiss_done",
		takes: []string{"text"},
		may:   can(matter.DeedDismissed), typed: [][2]string{{"text", "officer.reason"}},
		do: func(ctx context.Context, d *matter.Desk, who identity.Officer, id string, in input) error {
			return d.Dismiss(ctx, who, id, in.Get("text"))
		},
	},
	{
		name: "transfer", title: "officer.transfer", hint: "officer.transfer_hint", press: "officer.transfer_press", done: "officer.transfer_done",
		takes: []string{"authority", "text"},
		may:   can(matter.DeedTransferred), typed: [][2]string{{"text", "officer.reason"}},
		do: func(ctx context.Context, d *matter.Desk, who identity.Officer, id string, in input) error {
			return d.Transfer(ctx, who, id, in.Get("authority"), in.Get("text"))
		},
	},
	{
		name: "answer", title: "officer.answer", hint: "officer.answer_hint", press: "officer.answer_press", done: "officer.answer_done",
		takes: []string{"text"}, files: "file",
		may:   func(v *matter.View) bool { return v.InThread },
		typed: [][2]string{{"text", "officer.message"}},
		do: func(ctx context.Context, d *matter.Desk, who identity.Officer, id string, in input) error {
			return d.AnswerAuthority(ctx, who, id, in.Get("text"), in.ids())
		},
	},
}

// form is the form of the open deed.
func (p *page) form() templ.Component {
	return map[string]func() templ.Component{
		"take": p.takeForm, "finish": p.finishForm, "ask": p.askForm, "message": p.messageForm, "pending": p.pendingForm,
		"handler": p.handlerForm, "identifier": p.identifierForm, "redirect": p.redirectForm, "letter": p.letterForm,
		"dismiss": p.dismissForm, "transfer": p.transferForm, "answer": p.answerForm,
	}[p.Deed.name]()
}

func deedNamed(name string) *deed {
	for _, d := range deeds {
		if d.name == name {
			return d
		}
	}
	return nil
}

// next is the deed whose form stands open by itself: taking into handling what
// is the authority's to take, or answering.
func (p *page) next() *deed {
	if d := deedNamed("answer"); d.may(p.V) {
		return d
	}
	if d := deedNamed("take"); d.may(p.V) && p.V.Holder == matter.HeldByAuthority {
		return d
	}
	return nil
}

// talks tells whether the open deed stands among the messages it answers.
func (p *page) talks() bool {
	return p.Deed != nil && (p.Deed.name == "message" || p.Deed.name == "letter" || p.Deed.name == "answer")
}

// ends is the deed that the primary button opens when no form stands open:
// finishing what is in handling.
func (p *page) ends() *deed {
	if d := deedNamed("finish"); p.Deed == nil && p.V.Status == matter.InHandling && p.V.Holder == matter.HeldByAuthority && d.may(p.V) {
		return d
	}
	return nil
}

// mayAskStatement tells whether a letter may ask for a statement: only the one
// who holds the matter can hand it to another.
func (p *page) mayAskStatement() bool {
	return p.V.Holder == matter.HeldByAuthority && !p.V.Status.Ended()
}

// near are the deeds offered beside the next one; far are the others.
func (p *page) near() []*deed { return p.offered(true) }

func (p *page) far() []*deed { return p.offered(false) }

func (p *page) offered(near bool) (all []*deed) {
	for _, d := range deeds {
		often := d.name == "ask" || d.name == "message"
		if d.may(p.V) && d != p.Deed && d != p.ends() && often == near {
			all = append(all, d)
		}
	}
	return all
}

func (p *page) href(d *deed) string { return p.Path + "?do=" + d.name + "#deed" }

// knows tells whether the deed's form has an input of the name. What stands under
// any other name would be lost, so its post is refused: a robot that spells
// "email" wrongly would else send notices back to the authority's own address.
func (d *deed) knows(name string) bool {
	return name == "_version" || d.files != "" && (name == d.files || name == "file_id") || slices.Contains(d.takes, name)
}

// unknown refuses a post by what stands under a name that the form has not.
func unknown(name string) error {
	const long = 60
	if r := []rune(name); len(r) > long {
		name = string(r[:long]) + "…"
	}
	return fail.New(fail.Invalid, "officer.unknown_input", name)
}

// input is what a form sent.
type input struct {
	url.Values
	files []string // attachments that came with this post or an earlier try
}

// Get returns what was typed or chosen under a name.
func (in input) Get(name string) string { return site.Chosen(in.Values, name) }

func (in input) ids() []string { return in.files }

func (in input) all(name string) []string {
	var all []string
	for _, v := range in.Values[name] {
		if v != "" {
			all = append(all, v)
		}
	}
	return all
}

// seen is the last entry of the matter that the page had shown.
func (in input) seen() int64 {
	n, err := number(in.Get("_version"))
	if err != nil {
		return 0
	}
	return n
}

// day reads a date: its last minute in Finland. Nothing typed is the zero time.
func (in input) day(name string) (time.Time, error) {
	s := in.Get(name)
	if s == "" {
		return time.Time{}, nil
	}
	if t, ok := i18n.ParseDay(s); ok {
		return time.Date(t.Year(), t.Month(), t.Day(), 23, 59, 0, 0, i18n.Zone), nil
	}
	return time.Time{}, fail.New(fail.Rejected, "matter.request_date_needed").In(name)
}
