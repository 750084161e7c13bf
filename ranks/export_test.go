package ranks

type Probe = probe

var RunProbed = runProbed
