package launcher

import (
	"context"
	"net"
	"os"
	"os/user"
	"strings"
	"time"

	"halorun/hostfiles"
)

// resolveTime is how long the question whether a host's name means this machine may take. A name that is not resolved is left to
// ssh.
const resolveTime = time.Second

// machineNames knows by which names and addresses this machine goes.
type machineNames struct {
	name      string
	user      string
	addresses map[string]bool
}

func thisMachineNames() machineNames {
	m := machineNames{addresses: make(map[string]bool)}
	m.name, _ = os.Hostname()
	if u, err := user.Current(); err == nil {
		m.user = u.Username
	}
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok {
			m.addresses[ip.IP.String()] = true
		}
	}
	return m
}

// means tells whether a host is this machine. One with another user or a port of its own is to be spoken to over ssh even so: it
// may be a container.
func (m *machineNames) means(ctx context.Context, h hostfiles.Host) bool {
	if h.Port != 0 || h.User != "" && h.User != m.user {
		return false
	}
	short, _, _ := strings.Cut(m.name, ".")
	if h.Name == "localhost" || h.Name == m.name || h.Name == short {
		return true
	}
	if ip := net.ParseIP(h.Name); ip != nil {
		return ip.IsLoopback() || m.addresses[ip.String()]
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	found, err := net.DefaultResolver.LookupHost(ctx, h.Name)
	if err != nil || len(found) == 0 {
		return false
	}
	for _, a := range found {
		if ip := net.ParseIP(a); ip == nil || !ip.IsLoopback() && !m.addresses[ip.String()] {
			return false
		}
	}
	return true
}
