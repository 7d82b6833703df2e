package scantest

import (
	"strings"
	"testing"
)

// TestDockerRegistryMissing: the machine that lacks it says what to install.
func TestDockerRegistryMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, _, err := DockerRegistry(t.TempDir(), DockerOptions{}); err == nil || !strings.Contains(err.Error(), "apt-get install docker-registry") {
		t.Errorf("without docker-registry: %v", err)
	}
}
