Process.kill :KILL, Process.pid
sleep 5
