package delivery

import (
	"regexp"
	"strings"
	"unicode"

	"luvat/internal/i18n"
	"luvat/internal/matter"
)

// wording is how a notice tells of a deed: in the subject line, and in the
// first sentence. The dated ones say by when.
type wording struct{ what, whatBy, lead, leadBy string }

// handled is what the applicant is told of every end, so that the notice does
// not tell how it ended.
var handled = wording{what: "delivery.what.handled", lead: "delivery.lead.handled"}

var toApplicant = map[string]wording{
	matter.DeedAsked: {
		what: "delivery.what.completion_asked", whatBy: "delivery.what.completion_asked_by",
		lead: "delivery.lead.completion_asked", leadBy: "delivery.lead.completion_asked_by",
	},
	matter.DeedMessage:     {what: "delivery.what.message_to_applicant", lead: "delivery.lead.message_to_applicant"},
	matter.DeedFinished:    handled,
	matter.DeedDismissed:   handled,
	matter.DeedTransferred: handled,
	matter.DeedDraftExpires: {
		what: "delivery.what.draft_expires", whatBy: "delivery.what.draft_expires_by",
		lead: "delivery.lead.draft_expires", leadBy: "delivery.lead.draft_expires_by",
	},
}

// noLonger is what an authority is told whose statement is waited for no more.
var noLonger = wording{what: "delivery.what.statement_not_needed", lead: "delivery.lead.statement_not_needed"}

var toAuthority = map[string]wording{
	matter.DeedSent:      {what: "delivery.what.sent", lead: "delivery.lead.sent"},
	matter.DeedCompleted: {what: "delivery.what.completed", lead: "delivery.lead.completed"},
	matter.DeedWithdrawn: {what: "delivery.what.withdrawn", lead: "delivery.lead.withdrawn"},
	matter.DeedMessage:   {what: "delivery.what.message", lead: "delivery.lead.message"},
	matter.DeedStatementAsked: {
		what: "delivery.what.statement_asked", whatBy: "delivery.what.statement_asked_by",
		lead: "delivery.lead.statement_asked", leadBy: "delivery.lead.statement_asked_by",
	},
	matter.DeedStatementGiven: {what: "delivery.what.statement_given", lead: "delivery.lead.statement_given"},
	matter.DeedShared:         {what: "delivery.what.shared", lead: "delivery.lead.shared"},
	matter.DeedTransferred:    {what: "delivery.what.transferred", lead: "delivery.lead.transferred"},
	matter.DeedFinished:       noLonger,
	matter.DeedDismissed:      noLonger,
}

// something is said of a deed that has no words of its own: better than silence.
var something = wording{what: "delivery.what.something", lead: "delivery.lead.something"}

func wordsOf(l matter.Letterhead) wording {
	table := toAuthority
	if l.Audience == matter.ToApplicant {
		table = toApplicant
	}
	if w, ok := table[l.Deed]; ok {
		return w
	}
	return something
}

// say puts what happened in words: for the subject line, and as a sentence.
func say(l matter.Letterhead) (what, lead string) {
	w := wordsOf(l)
	what, lead = i18n.T(l.Lang, w.what), i18n.T(l.Lang, w.lead)
	if !l.Due.IsZero() && w.whatBy != "" {
		day := i18n.Date(l.Lang, l.Due)
		what, lead = i18n.T(l.Lang, w.whatBy, day), i18n.T(l.Lang, w.leadBy, day)
	}
	if l.Audience == matter.ToDeputy {
		what, lead = i18n.T(l.Lang, "delivery.what.unopened", what), i18n.T(l.Lang, "delivery.lead.unopened")+" "+lead
	}
	return what, lead
}

// letter writes a notice.
func (p *Post) letter(l matter.Letterhead) Mail {
	what, lead := say(l)
	project := line(l.Project, 60)
	t := func(key string, args ...any) string { return i18n.T(l.Lang, key, args...) }

	var b strings.Builder
	b.WriteString(t("delivery.greeting") + "\n\n" + lead + "\n\n")
	for _, row := range [][2]string{
		{t("delivery.row.project"), project},
		{t("delivery.row.matter"), line(l.Matter, 200)},
		{t("delivery.row.number"), l.Number},
		{t("delivery.row.place"), l.Place},
		{t("delivery.row.authority"), l.Authority},
		{t("delivery.row.due"), i18n.Date(l.Lang, l.Due)},
	} {
		if row[1] != "" {
			b.WriteString(row[0] + ": " + row[1] + "\n")
		}
	}
	b.WriteString("\n" + t("delivery.open") + "\n" + p.link(l.Path) + "\n\n")
	switch l.Audience {
	case matter.ToApplicant:
		b.WriteString(t("delivery.why.applicant"))
	case matter.ToDeputy:
		b.WriteString(t("delivery.why.deputy"))
	default:
		b.WriteString(t("delivery.why.authority"))
	}
	b.WriteString(" " + t("delivery.no_content") + "\n\n" + t("delivery.sign") + "\n")

	return Mail{Key: l.Notice, At: p.Desk.Now(), From: p.From, To: l.To, Lang: l.Lang, Subject: subject(project, l, what), Body: b.String()}
}

// subject is the standard of every notice: project, matter number, place,
// authority, and what happened with its date.
func subject(project string, l matter.Letterhead, what string) string {
	s := l.Number
	if project != "" {
		s = "[" + project + "] " + s
	}
	switch {
	case l.Place != "" && l.Authority != "":
		s += " " + l.Place + ", " + l.Authority
	default:
		s += strings.TrimRight(" "+l.Place+l.Authority, " ")
	}
	return line(s+": "+what, 250)
}

// invitation writes the mail of an invitation. It names the project and nobody.
func (p *Post) invitation(job matter.InviteMail, to string, lang i18n.Lang, project string, role matter.Member) Mail {
	project = line(project, 60)
	t := func(key string, args ...any) string { return i18n.T(lang, key, args...) }
	may := map[matter.Member]string{
		matter.Editor: t("delivery.invite.editor"), matter.Helper: t("delivery.invite.helper"), matter.Reader: t("delivery.invite.reader"),
	}[role]

	body := t("delivery.greeting") + "\n\n" + t("delivery.invite.lead", project)
	if may != "" {
		body += " " + may
	}
	body += "\n\n" + t("delivery.invite.open") + "\n" + p.link("/invitations/"+job.Secret) + "\n\n" +
		t("delivery.invite.why") + " " + t("delivery.no_reply") + "\n\n" + t("delivery.sign") + "\n"
	return Mail{Key: job.Key(), At: p.Desk.Now(), From: p.From, To: to, Lang: lang, Subject: line(t("delivery.invite.subject", project), 250), Body: body}
}

func (p *Post) link(path string) string { return strings.TrimRight(p.BaseURL, "/") + path }

// identityNumber is a Finnish personal identity code (henkilötunnus), of
// whatever century sign.
var identityNumber = regexp.MustCompile(`(?i)\b[0-3]\d[01]\d{3}[-+A-FU-Y]\d{3}[0-9A-Y]\b`)

// line makes text that people typed fit for one line of a mail: nothing
// invisible, no identity number, not longer than max characters.
func line(s string, max int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r), unicode.In(r, unicode.Zl, unicode.Zp):
			return ' '
		case r == unicode.ReplacementChar, unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	s = identityNumber.ReplaceAllString(s, "******-****")
	if r := []rune(s); len(r) > max {
		s = strings.TrimRight(string(r[:max-1]), " ") + "…"
	}
	return s
}
