package runtimeapi_test

import (
	"testing"

	"github.com/lambkin-dev/lambkin/internal/engine/runtimeapi"
)

// asked asks for an event in the background.
func (c *client) asked() <-chan reply {
	got := make(chan reply, 1)
	go func() { got <- c.do("GET", api+"invocation/next", "") }()
	return got
}

func TestARuntimeHasSeveralEvents(t *testing.T) {
	c := newClientOf(t, runtimeapi.Options{Concurrency: 2})
	first, second := c.asked(), c.asked()
	<-c.server.Ready()
	a, b := c.deliver("1", "a"), c.deliver("2", "b")
	if got := (<-first).Body + (<-second).Body; got != "ab" && got != "ba" {
		t.Fatalf("events %q", got)
	}
	check(t, "another's id", c.respond("3", "x"), 400, invalidID)
	check(t, "the second one's answer", c.respond("2", "B"), 202, accepted)
	check(t, "its answer once more", c.respond("2", "C"), 400, invalidID)
	check(t, "the first one's error", c.fail("1", "A"), 202, accepted)
	if got := answer(t, b); string(got.Payload) != "B" || got.Failed {
		t.Errorf("answer %+v", got)
	}
	if got := answer(t, a); string(got.Payload) != "A" || !got.Failed {
		t.Errorf("answer %+v", got)
	}
	<-a.Done()
	check(t, "init error while ready", c.do("POST", api+"init/error", "{}"), 403, refused("Ready", "InitError"))
}

func TestAnEventThatWasGivenUp(t *testing.T) {
	c := newClientOf(t, runtimeapi.Options{Concurrency: 2})
	x := c.deliver("1", "a")
	c.next()
	c.server.Abandon(x)
	check(t, "a late answer", c.respond("1", "A"), 410, "{\"errorMessage\":\"Invoke timeout\",\"errorType\":\"InvokeTimeout\"}\n")
	untaken := c.deliver("2", "b")
	c.server.Abandon(untaken)
	c.deliver("3", "c")
	check(t, "next", c.next(), 200, "c")
	select {
	case a := <-x.Answered():
		t.Errorf("the late answer counts: %+v", a)
	default:
	}
}

func TestNextAfterAFailedInitOfASharedRuntime(t *testing.T) {
	c := newClientOf(t, runtimeapi.Options{Concurrency: 2})
	check(t, "init error", c.do("POST", api+"init/error", "{}"), 202, accepted)
	check(t, "next", c.next(), 403, refused("InitError", "Ready"))
	check(t, "response", c.respond("1", "x"), 400, invalidID)
}
