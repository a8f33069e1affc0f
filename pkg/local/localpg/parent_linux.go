package localpg

import "syscall"

// dieWithParent makes Linux send the server a fast shutdown when our process ends in whatever way.
func dieWithParent(attributes *syscall.SysProcAttr) { attributes.Pdeathsig = syscall.SIGINT }
