"""What measures `clc`: each benchmark prints a table and compares with a peer or a limit."""
