package ranks

var RunProbed = runProbed
