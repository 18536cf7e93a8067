package e2e_test

import (
	"strings"
	"testing"

	"luvat/internal/app"
	"luvat/internal/delivery"
	"luvat/internal/i18n"
	"luvat/internal/testkit/smtpsink"
)

// An action is a click, or one thing written.
type counted struct {
	*visitor
	n int
}

func (c *counted) click(role, name string) {
	c.t.Helper()
	c.n++
	c.Click(role, name)
}

// From the notice in the mail to "in handling" an officer needs at most five
// actions, signing in with them. The mail is a real one, handed over by SMTP
// with STARTTLS; it tells no more than it should.
func TestFromTheNoticeToInHandling(t *testing.T) {
	t.Parallel()
	post := smtpsink.Start(t)
	mailer := &delivery.SMTP{Host: post.Host, Port: post.Port, TLS: delivery.StartTLS, Roots: post.Roots}
	h := startHub(t, newPlace(t), app.Options{Mailer: mailer})

	v := h.signedIn(t, "demo-aino", i18n.FI, false)
	v.fileLodging("Talviyö koululla", "Kolmekymmentä ihmistä yöpyy koulun salissa.")

	var mail smtpsink.Message
	v.until("a mail about the matter comes", func() bool {
		for _, m := range post.Messages() {
			if strings.Contains(m.Body(), "Talviyö koululla") && strings.Contains(m.Body(), "/officer/matters/") {
				mail = m
				return true
			}
		}
		return false
	})
	if !mail.TLS || len(mail.To) != 1 || mail.To[0] != h.offer(v, "rescue-pirkanmaa", "rescue-temp-lodging").NoticeEmail {
		t.Errorf("the mail went to %v, protected: %v", mail.To, mail.TLS)
	}
	for _, secret := range []string{"Kolmekymmentä", "Aino", "040 555"} {
		if strings.Contains(mail.Data, secret) || strings.Contains(mail.Body(), secret) || strings.Contains(mail.Header("Subject"), secret) {
			t.Errorf("the mail tells %q:\n%s", secret, mail.Data)
		}
	}
	_, link, _ := strings.Cut(mail.Body(), h.url)
	link = strings.Fields(link)[0]

	officer := &counted{visitor: h.visitor(t, i18n.FI, false)}
	officer.n++ // the link in the mail
	officer.Goto(link)
	officer.click("button", officer.about("ui.login")+"Riikka Koskinen,")
	officer.click("button", officer.words("officer.take_press"))
	officer.See(officer.words("officer.take_done"))
	if officer.n > 5 {
		t.Errorf("it took %d actions, want at most 5", officer.n)
	}
	t.Logf("%d actions", officer.n)
}
