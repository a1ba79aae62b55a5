"""Kinds of nodes in tree-sitter's grammar of bash, and texts that mean something to bash."""

import re

from m31a_tools.shell.options import names

PASSED_THROUGH = names(
    "program list pipeline subshell do_group if_statement elif_clause else_clause "
    "negated_command case_statement case_item array process_substitution command_name "
    "while_statement for_statement c_style_for_statement compound_statement "
    "parenthesized_expression binary_expression unary_expression ternary_expression "
    "postfix_expression arithmetic_expansion subscript"
)
"""Nodes that do nothing of their own."""
LITERALS = names(
    "word number string raw_string ansi_c_string concatenation translated_string "
    "brace_expression extglob_pattern"
)
EXPANSIONS = names(
    "simple_expansion expansion command_substitution process_substitution arithmetic_expansion"
)
LEAVES = names(
    "variable_name special_variable_name comment string_content test_operator file_descriptor "
    "heredoc_start heredoc_end"
)
RESERVED = names(
    "if then else elif fi do done case esac while until for select function in { } [[ ]] !"
)
# Nodes whose children stand next to one another, apart by blanks or marks.
ROWS = names(
    "program list pipeline subshell redirected_statement command file_redirect negated_command "
    "heredoc_redirect herestring_redirect do_group if_statement elif_clause else_clause "
    "case_statement case_item for_statement while_statement compound_statement "
    "function_definition test_command declaration_command unset_command variable_assignments "
    "variable_assignment"
)
CALCULATES = names("arithmetic_expansion subscript c_style_for_statement")
NAMES = names("variable_name word simple_expansion expansion")
"""Nodes by which arithmetic can get at a variable."""
NUMERIC_TESTS = names("-eq -ne -lt -le -gt -ge -v")
DELIMITER = re.compile(r"\\?\w+|'\w+'|\"\w+\"")
# What can change the folder for commands that come after it.
MOVES = re.compile(r"\b(?:cd|pushd|popd|eval|source)\b|(?:^|[;&|(){}\s])\.\s")
# Files that hold nothing, and copies of what is open.
FREE = re.compile(r"/dev/(?:null|zero|full|tty|std(?:in|out|err)|fd/\d+)")
SOCKET = re.compile(r"/dev/(?:tcp|udp)/")
# Builtins that take the name of a variable: with an index in it, the index is evaluated.
NAMING = names(
    "read printf unset let declare typeset local export readonly mapfile readarray getopts wait "
    "test ["
)
