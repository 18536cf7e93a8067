package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"luvat/internal/db"
	"luvat/internal/fail"
	"luvat/internal/forms"
	"luvat/internal/i18n"
	"luvat/internal/identity"
	"luvat/internal/ledger"
	"luvat/internal/matter"
)

// start begins the project and fills in its common data.
func (s *story) start(ctx context.Context, st step, who identity.Customer) error {
	err := s.demo.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT id FROM projects WHERE created_by = $1 AND created_at = $2`, who.ID, db.Millis(st.at)).Scan(&s.id)
	})
	if errors.Is(err, db.ErrNoRows) {
		n := matter.NewProject{Entity: s.Entity, Municipality: s.Municipality, Name: s.Name, Types: st.List}
		s.id, err = s.demo.desk.StartProject(ctx, who, n)
	}
	if err != nil {
		return err
	}
	v, err := s.demo.desk.Project(ctx, who, s.id)
	if err != nil || v.Version > 1 {
		return err
	}
	answers, err := s.answers(ctx, who, "", s.Common)
	if err != nil {
		return err
	}
	_, err = s.demo.desk.SaveCommon(ctx, who, s.id, v.Version, over(v.Answers, answers))
	return err
}

// over lays answers over others.
func over(a, more forms.Answers) forms.Answers {
	out := maps.Clone(a)
	maps.Copy(out, more)
	return out
}

// fillIn fills in drafts. Doing it again changes nothing.
func (s *story) fillIn(ctx context.Context, st step, who identity.Customer) error {
	var each []func() error
	for _, typ := range st.types() {
		each = append(each, func() error {
			id, err := s.matterID(ctx, typ)
			if err != nil {
				return err
			}
			if err := s.fillOne(ctx, who, id, s.Matters[typ]); err != nil {
				return fmt.Errorf("%s: %w", typ, err)
			}
			return nil
		})
	}
	return together(each...)
}

func (s *story) fillOne(ctx context.Context, who identity.Customer, id string, raw json.RawMessage) error {
	if len(raw) == 0 {
		return errors.New("has no answers")
	}
	v, err := s.demo.desk.Matter(ctx, who, id)
	if err != nil || !slices.Contains([]matter.Status{matter.Draft, matter.ToComplete}, v.Status) {
		return err
	}
	answers, err := s.answers(ctx, who, id, raw)
	if err != nil {
		return err
	}
	_, err = s.demo.desk.SaveDraft(ctx, who, id, v.Version, over(v.Answers, answers))
	return err
}

// add adds a matter later, perhaps one that follows another.
func (s *story) add(ctx context.Context, st step, who identity.Customer) error {
	if _, err := s.matterID(ctx, st.types()[0]); !errors.Is(err, errNoMatter) {
		return err
	}
	follows := ""
	if st.Follows != "" {
		var err error
		if follows, err = s.matterID(ctx, st.Follows); err != nil {
			return err
		}
	}
	return s.demo.desk.AddMatters(ctx, who, s.id, st.types(), follows)
}

// own runs a deed on one matter of the applicant's, once.
func (s *story) own(ctx context.Context, st step, who identity.Customer, deed func(id string) error) error {
	id, err := s.matterID(ctx, st.Matter)
	if err != nil {
		return err
	}
	if done, err := s.happened(ctx, ledger.MatterStream(id)); err != nil || done {
		return err
	}
	v, err := s.demo.desk.Matter(ctx, who, id)
	if err != nil {
		return err
	}
	return together(
		func() error { return deed(id) },
		func() error { return s.demo.desk.Seen(ctx, who, id, v.N) })
}

func (s *story) consent(ctx context.Context, st step, who identity.Customer) error {
	return s.own(ctx, st, who, func(id string) error { return s.demo.desk.Consent(ctx, who, id, true) })
}

// looked is a draft as the sender sees it now.
func (s *story) looked(ctx context.Context, who identity.Customer, id string) (matter.Looked, error) {
	v, err := s.demo.desk.Matter(ctx, who, id)
	if err != nil {
		return matter.Looked{}, err
	}
	return matter.Looked{Matter: id, Version: v.Version, Common: v.Project.Version}, nil
}

// send fills in and sends matters, all at once.
func (s *story) send(ctx context.Context, st step, who identity.Customer) error {
	if err := s.fillIn(ctx, st, who); err != nil {
		return err
	}
	var drafts []matter.Looked
	for _, typ := range st.types() {
		id, err := s.matterID(ctx, typ)
		if err != nil {
			return err
		}
		if done, err := s.happened(ctx, ledger.MatterStream(id)); err != nil || done {
			return err
		}
		look, err := s.looked(ctx, who, id)
		if err != nil {
			return err
		}
		drafts = append(drafts, look)
	}
	_, err := s.demo.desk.Send(ctx, who, drafts)
	return err
}

func (s *story) complete(ctx context.Context, st step, who identity.Customer) error {
	return s.own(ctx, st, who, func(id string) error {
		if err := s.fillOne(ctx, who, id, st.Answers); err != nil {
			return err
		}
		look, err := s.looked(ctx, who, id)
		if err != nil {
			return err
		}
		_, err = s.demo.desk.Complete(ctx, who, matter.Completion{Looked: look})
		return err
	})
}

func (s *story) withdraw(ctx context.Context, st step, who identity.Customer) error {
	return s.own(ctx, st, who, func(id string) error { return s.demo.desk.Withdraw(ctx, who, id) })
}

func (s *story) share(ctx context.Context, st step, who identity.Customer) error {
	return s.own(ctx, st, who, func(id string) error { return s.demo.desk.Share(ctx, who, id, []string{st.To}) })
}

func (s *story) writeAsApplicant(ctx context.Context, st step, who identity.Customer) error {
	return s.own(ctx, st, who, func(id string) error {
		files, err := s.attachAll(ctx, who.ID, "applicant", id, "message", st.Files)
		if err != nil {
			return err
		}
		return s.demo.desk.WriteAsApplicant(ctx, who, id, st.Text, files)
	})
}

// invite invites another person of the demo.
func (s *story) invite(ctx context.Context, st step, who identity.Customer) error {
	if done, err := s.happened(ctx, ledger.ProjectStream(s.id)); err != nil || done {
		return err
	}
	p := person{Email: st.To, Lang: i18n.FI}
	if !strings.Contains(st.To, "@") {
		var err error
		if p, err = s.demo.person(st.To); err != nil {
			return err
		}
	}
	return s.demo.desk.Invite(ctx, who, s.id, p.Email, st.Role, p.Lang)
}

// accept takes an invitation, which the person has from the mail: in the demo
// the mail is still in the queue.
func (s *story) accept(ctx context.Context, _ step, who identity.Customer) error {
	if done, err := s.happened(ctx, ledger.ProjectStream(s.id)); err != nil || done {
		return err
	}
	var secret string
	err := s.demo.db.View(ctx, func(tx *db.Tx) error {
		var id, payload string
		if err := tx.QueryRowContext(ctx, `SELECT id FROM invitations WHERE project_id = $1 AND email = $2 AND used_at = 0`, s.id, who.Email).Scan(&id); err != nil {
			return fmt.Errorf("find the invitation: %w", err)
		}
		mail := matter.InviteMail{Invitation: id}
		if err := tx.QueryRowContext(ctx, `SELECT payload FROM outbox WHERE idem_key = $1`, mail.Key()).Scan(&payload); err != nil {
			return fmt.Errorf("find the invitation's mail: %w", err)
		}
		err := json.Unmarshal([]byte(payload), &mail)
		secret = mail.Secret
		return err
	})
	if err != nil {
		return err
	}
	_, err = s.demo.desk.Accept(ctx, who, secret)
	if fail.Is(err, fail.NotFound) {
		err = errors.New("accept an invitation on the day it was made, before its mail has gone")
	}
	return err
}

func (s *story) pending(ctx context.Context, st step, who identity.Officer, id string) error {
	return s.demo.desk.MakePending(ctx, who, id, st.Identifier)
}

func (s *story) take(ctx context.Context, st step, who identity.Officer, id string) error {
	return s.demo.desk.Take(ctx, who, id, st.Redirect)
}

func (s *story) handler(ctx context.Context, st step, who identity.Officer, id string) error {
	v, err := s.demo.desk.Handled(ctx, who, id)
	if err != nil {
		return err
	}
	return s.demo.desk.NameHandler(ctx, who, id, v.Handler, st.To)
}

func (s *story) ask(ctx context.Context, st step, who identity.Officer, id string) error {
	return s.demo.desk.AskCompletion(ctx, who, id, matter.Request{Fields: st.Fields, Text: st.Text, Due: st.due()})
}

func (s *story) finish(ctx context.Context, st step, who identity.Officer, id string) error {
	files, err := s.attachAll(ctx, who.ID, "authority:"+who.Authority, id, "decision", st.Files)
	if err != nil {
		return err
	}
	return s.demo.desk.Finish(ctx, who, id, matter.Decision{Outcome: st.Outcome, Text: st.Text, Files: files})
}

func (s *story) dismiss(ctx context.Context, st step, who identity.Officer, id string) error {
	return s.demo.desk.Dismiss(ctx, who, id, st.Text)
}

func (s *story) transfer(ctx context.Context, st step, who identity.Officer, id string) error {
	return s.demo.desk.Transfer(ctx, who, id, st.To, st.Text)
}

func (s *story) writeToApplicant(ctx context.Context, st step, who identity.Officer, id string) error {
	files, err := s.attachAll(ctx, who.ID, "authority:"+who.Authority, id, "message", st.Files)
	if err != nil {
		return err
	}
	return s.demo.desk.WriteToApplicant(ctx, who, id, st.Text, files)
}

// letter writes to another authority; with days, it asks for a statement.
func (s *story) letter(ctx context.Context, st step, who identity.Officer, id string) error {
	l := matter.Letter{To: st.To, Text: st.Text}
	if st.Days != 0 {
		l.AskBy = st.due()
	}
	return s.demo.desk.WriteToAuthority(ctx, who, id, l)
}

func (s *story) answer(ctx context.Context, st step, who identity.Officer, id string) error {
	return s.demo.desk.AnswerAuthority(ctx, who, id, st.Text, nil)
}
