package localpg

import "syscall"

// dieWithParent makes Linux send the server SIGINT, a fast shutdown, when our process ends, even if
// it is killed.
func dieWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGINT }
