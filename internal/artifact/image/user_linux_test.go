package image

import (
	"bytes"
	"testing"

	"github.com/lambkin-dev/lambkin/internal/testenv"
)

// TestTheOtherKindOfUser runs this package's tests as an ordinary user, when
// the tests are root's: folders that nobody may write to are no hindrance then.
func TestTheOtherKindOfUser(t *testing.T) {
	out, err := testenv.AsOrdinaryUser(t, "-test.short", "-test.run=TestLayers|TestRefusals|TestContentsAndRemove|TestEviction|TestKilled")
	if err != nil || !bytes.Contains(out, []byte("--- PASS: TestContentsAndRemove")) {
		t.Errorf("as an ordinary user: %v\n%s", err, out)
	}
}
