package matter

import (
	"context"
	"slices"
	"strings"

	"luvat/internal/catalogue"
	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/identity"
)

// A Completion is what the applicant answers to a request.
type Completion struct {
	Looked
	Unchanged bool   // it is meant to go although nothing was changed
	Why       string // told to the authority in a message; "" for none
}

// Complete sends the completion that the authority asked for: a new
// submission of the same matter.
//
// One that differs in nothing from what was sent last is refused at the field
// "unchanged", unless the applicant says that it is meant so: it would take the
// matter back to the authority with the question unanswered.
func (d *Desk) Complete(ctx context.Context, who identity.Customer, c Completion) (s *Submission, err error) {
	if c.Why = strings.TrimSpace(c.Why); len([]rune(c.Why)) > MaxText {
		return nil, fail.New(fail.Rejected, "matter.text_too_long").In("why")
	}
	err = d.do(ctx, func(tx *db.Tx) error {
		m, p, err := ownedBy(ctx, tx, who, c.Matter, toSend)
		if err != nil {
			return err
		}
		if c.Why != "" { // before the completion, whose notice tells of both
			if _, err := d.say(ctx, tx, who, m, c.Why, nil); err != nil {
				return err
			}
			if err := m.save(ctx, tx); err != nil {
				return err
			}
		}
		done, err := d.seal(ctx, tx, who, c.Looked, DeedCompleted)
		if err != nil {
			return err
		}
		if !c.Unchanged && done.N > 1 {
			if err := d.changed(ctx, tx, m, p, done.N-1); err != nil {
				return err
			}
		}
		s = &done.Submission
		return writeSealed(ctx, tx, done)
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// changed refuses a completion that is the same as submission n.
func (d *Desk) changed(ctx context.Context, tx *db.Tx, m *Matter, p *Project, n int64) error {
	last, err := submission(ctx, tx, m.ID, n)
	if err != nil {
		return err
	}
	same, err := d.unchanged(m, p, &last)
	if err == nil && same {
		err = fail.New(fail.Rejected, "matter.nothing_changed").In("unchanged")
	}
	return err
}

// unchanged tells whether what a completion would send is what was sent last.
// Of a matter that is filled in in the authority's own service the hub cannot
// tell.
func (d *Desk) unchanged(m *Matter, p *Project, last *Submission) (bool, error) {
	if m.Way == catalogue.Conditional {
		return false, nil
	}
	sealed, err := last.Parse()
	if err != nil {
		return false, err
	}
	own, err := sealed.MatterAnswers()
	if err != nil {
		return false, err
	}
	shared, err := sealed.CommonAnswers()
	if err != nil {
		return false, err
	}
	form, _, err := d.Catalogue.Form(m.Form, m.FormHash)
	if err != nil {
		return false, err
	}
	common, err := d.commonForm(p)
	if err != nil {
		return false, err
	}
	needed, _ := d.terms(m, form)
	paths := termPaths(common, needed)
	return len(forms.Diff(form, own, form.Prune(m.Answers))) == 0 &&
		!slices.ContainsFunc(forms.Diff(common, shared, common.Prune(p.Answers)), func(c forms.Change) bool {
			top, _, _ := strings.Cut(c.Path, ".")
			return slices.Contains(paths, top)
		}), nil
}
